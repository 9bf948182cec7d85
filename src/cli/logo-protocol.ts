/** How a terminal takes pictures. */
export const LOGO_PROTOCOLS = ['kitty', 'iterm', 'sixel'] as const;
export type LogoProtocol = (typeof LOGO_PROTOCOLS)[number];

export const LOGO_CHOICES = ['auto', ...LOGO_PROTOCOLS] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether and how logos are drawn: only when asked for, and only on a terminal. Within tmux and screen, which swallow what
 * they do not know, `auto` draws none.
 *
 * @param choice  undefined: nobody asked
 */
export function logoProtocol(
  choice: (typeof LOGO_CHOICES)[number] | undefined,
  env: Environment,
  isTerminal: boolean,
): LogoProtocol | null {
  if (choice === undefined || !isTerminal) return null;
  if (choice !== 'auto') return choice;
  if (env['TMUX'] || env['STY']) return null;
  const [term = '', program = ''] = [env['TERM'], env['TERM_PROGRAM']];
  if (env['KITTY_WINDOW_ID'] || /kitty|ghostty/.test(term) || program === 'ghostty') return 'kitty';
  if (program === 'iTerm.app' || program === 'WezTerm' || env['LC_TERMINAL'] === 'iTerm2') return 'iterm';
  return /^(?:foot|mlterm|contour|yaft)|sixel/.test(term) ? 'sixel' : null;
}
