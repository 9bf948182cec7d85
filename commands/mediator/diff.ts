import { BaseCommand } from '../../src/cli/base.ts';
import { mediatorFlags, Office } from '../../src/cli/mediator.ts';
import { renderDiff } from '../../src/cli/render/mediator.ts';
import { counted } from '../../src/counted.ts';
import { listDocument } from '../../src/mediator/document.ts';
import { compareEntries } from '../../src/mediator/view.ts';
import { canonicalJson, type Json } from '../../src/registry/canonical.ts';
import type { MediatorDiffResult } from '../../src/schema/mediator.ts';

export default class MediatorDiff extends BaseCommand {
  static override summary = 'Tell what the next list will change for readers.';
  static override description =
    'Compares the journal with the list that was signed last. Without a change there is nothing to sign.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override flags = mediatorFlags;

  override async run(): Promise<MediatorDiffResult> {
    const { flags } = await this.parse(MediatorDiff);
    const office = new Office(flags.folder);
    const { ledger } = office.journal();
    const said = office.published().list?.said ?? null;
    const bytes = said === null ? null : office.readPublic(`lists/${said.document.sha256}.json`);
    const now = entriesOf(listDocument(ledger, { version: 1, issuedMs: 0, expiresMs: 1000 }));
    const differences = compareEntries(bytes === null ? new Map() : entriesOf(bytes), now);
    const openSignup = ledger.openSignup?.sha256 !== said?.openSignup?.sha256;
    const count = Object.values(differences).flat().length;
    const result = {
      target: ledger.mediator?.id ?? null,
      status: 'ok',
      summary: summaryOf(count, openSignup, said?.version ?? null),
      checks: [],
      mediator: ledger.mediator?.id ?? '',
      list: said?.version ?? null,
      ...differences,
      openSignup,
    } as const;
    return this.emit(result, renderDiff);
  }
}

function summaryOf(count: number, openSignup: boolean, list: number | null): string {
  const entries = counted(count, 'entry', 'entries');
  if (list === null)
    return count === 0 ? 'There is no entry to sign yet.' : `${entries} to sign for the first time.`;
  const parts = [...(count > 0 ? [entries] : []), ...(openSignup ? ['the domains of open sign-up'] : [])];
  if (parts.length === 0) return `Nothing has changed since list ${list}.`;
  return `Changed since list ${list}: ${parts.join(' and ')}.`;
}

/** Entries of a list that we made ourselves, by their ids, each in its one spelling. */
function entriesOf(bytes: Buffer): Map<string, string> {
  const { entries } = JSON.parse(bytes.toString('utf8')) as { entries: (Json & { id: string })[] };
  return new Map(entries.map((entry) => [entry.id, canonicalJson(entry)]));
}
