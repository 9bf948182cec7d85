/** Style of mailbox and message pages: light, dark, print, small screens, forced colours. */
export const VIEW_STYLE = `
:root { color-scheme: light dark; --page: #f4f6f8; --paper: #fff; --fg: #1c2430; --dim: #566170; --line: #dce1e7; --green: #dcf5e1; --green-fg: #0a4d24; --green-line: #86cf9c; --warn: #855600; --crit: #b3261e; --focus: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --page: #10141a; --paper: #1a2029; --fg: #e8ecf1; --dim: #a5afbc; --line: #303946; --green: #14391f; --green-fg: #b5f0c5; --green-line: #2f7a47; --warn: #e3b341; --crit: #ff938a; --focus: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.75rem 1.25rem 4rem; font: 15px/1.45 system-ui, "Segoe UI", sans-serif; color: var(--fg); background: var(--page); }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .35rem; overflow-wrap: anywhere; }
h2 { font-size: .95rem; margin: 0 0 .5rem; }
a { color: inherit; } :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .3rem; }
.dim { color: var(--dim); } .warn { color: var(--warn); } .crit { color: var(--crit); }
.counts { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0; margin: .8rem 0 1.2rem; }
.counts li { border: 1px solid var(--line); background: var(--paper); border-radius: 99rem; padding: .15rem .75rem; font-size: .87rem; }
.counts li.trusted { background: var(--green); border-color: var(--green-line); color: var(--green-fg); }
table, caption, thead, tbody { display: block; } caption { text-align: left; }
tbody { content-visibility: auto; contain-intrinsic-size: auto 3200px; }
tbody tr { content-visibility: auto; contain-intrinsic-size: auto 58px; }
tr { display: grid; grid-template-columns: 11rem 16rem minmax(0, 1fr); align-items: stretch; margin-bottom: .4rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--paper); overflow: hidden; }
thead tr { background: none; border-color: transparent; margin-bottom: .1rem; }
th { font-size: .8rem; font-weight: 600; color: var(--dim); text-align: left; padding: 0 .9rem; }
td { padding: .55rem .9rem; min-width: 0; overflow-wrap: anywhere; }
tr.trusted { background: var(--green); border-color: var(--green-line); }
td.verdict { display: flex; align-items: center; font-weight: 600; font-size: .9rem; overflow-wrap: normal; }
tr.trusted td.verdict, tr.trusted td.who { color: var(--green-fg); }
.sign { display: inline-block; width: 1.4em; text-align: center; }
.company { display: flex; align-items: center; gap: .7rem; font-weight: 650; }
.marked { display: flex; align-items: center; gap: .7rem; } .marked > span:last-child { min-width: 0; } .marked .logo, .box:not(.trusted) .logo { border: 1px solid var(--line); }
.company small, .who small { display: block; font-weight: 400; }
.logo { flex: none; display: inline-grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: .5rem; background: #fff center / contain no-repeat; font-weight: 700; font-size: .9rem; color: #fff; print-color-adjust: exact; }
td.said { display: grid; grid-template-columns: minmax(0, 1fr) auto 4.6rem; gap: 0 1.2rem; align-items: center; background: var(--paper); }
tr.trusted td.said { margin: .3rem; border-radius: .4rem; padding: .25rem .6rem; }
td.said a { text-decoration: none; } td.said a:hover { text-decoration: underline; }
td.said .subject { font-weight: 550; } td.said small { display: block; }
time, .size { font-variant-numeric: tabular-nums; white-space: nowrap; font-size: .87rem; color: var(--dim); } .size { text-align: right; }
ul.reasons { margin: .4rem 0 0; padding: 0; list-style: none; } ul.reasons li { padding-left: 1.4em; text-indent: -1.4em; margin: .25rem 0; } .mark { display: inline-block; width: 1.4em; text-indent: 0; }
ul.reasons code { color: var(--dim); font-size: .82em; overflow-wrap: anywhere; }
td.said ul.reasons { grid-column: 1 / -1; font-size: .87rem; }
.message { background: var(--paper); border: 1px solid var(--line); border-radius: .9rem; padding: 1.6rem 1.8rem 1.8rem; }
.mailbox .message { display: none; } .mailbox .message:target { display: block; } .mailbox:has(.message:target) .list { display: none; }
.message:focus { outline: none; }
.back { display: inline-block; margin-bottom: 1rem; }
.box { display: flex; align-items: center; gap: 1rem; margin: 1rem 0 1.2rem; padding: .8rem 1rem; border: 1px solid var(--line); border-left-width: .35rem; border-radius: .6rem; }
.box p { margin: 0; } .box.trusted { background: var(--green); border-color: var(--green-line); color: var(--green-fg); }
.box .logo { width: 3.5rem; height: 3.5rem; border-radius: .7rem; font-size: 1.3rem; } .box .name { font-size: 1.2rem; font-weight: 650; }
.box .tick { margin-left: auto; font-weight: 650; white-space: nowrap; } .box.suspicious { border-left-color: var(--crit); } .box.unauthenticated, .box.undecided { border-left-color: var(--warn); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1.2rem; margin: 0 0 1rem; } dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--dim); }
.letter { border-top: 1px solid var(--line); margin-top: 1.2rem; padding-top: 1.2rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit; max-width: 48rem; }
iframe { display: block; width: 100%; height: 34rem; resize: vertical; border: 1px solid var(--line); border-radius: .5rem; background: #fff; color-scheme: light; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 56rem) { tr { grid-template-columns: 11rem minmax(0, 1fr); } td.said { grid-column: 1 / -1; } thead { display: none; } .message { padding: 1.1rem; } .box { flex-wrap: wrap; } .box .tick { margin-left: 0; } }
@media (max-width: 32rem) { body { padding: 1.1rem .7rem 3rem; } tr { grid-template-columns: minmax(0, 1fr); padding: .35rem 0; } td { padding: .2rem .8rem; } td.said, tr.trusted td.said { grid-template-columns: minmax(0, 1fr) auto; gap: .2rem 1rem; } td.said > span:first-child { grid-column: 1 / -1; } tr.trusted td.said { margin: .3rem .35rem 0; padding: .35rem .45rem; } .box { align-items: flex-start; flex-wrap: nowrap; } .box.trusted { display: grid; grid-template-columns: auto minmax(0, 1fr); } .box .tick { grid-column: 1 / -1; } }
@media print { :root { color-scheme: light; --page: #fff; --paper: #fff; --fg: #000; --dim: #444; --line: #bbb; --green: #dcf5e1; --green-fg: #0a4d24; --green-line: #86cf9c; --warn: #6b4500; --crit: #9a1b14; } body { padding: 0; max-width: none; } tr, .box { break-inside: avoid; print-color-adjust: exact; } tbody, tbody tr { content-visibility: visible; } .back, summary { display: none; } .message { border: 0; padding: 0; } }
@media (forced-colors: active) { tr.trusted, .box.trusted { border: 3px solid CanvasText; } thead tr { border-color: Canvas; } }
`;
