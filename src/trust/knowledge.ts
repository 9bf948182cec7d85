import type { Reason } from './facts.ts';
import { collectNames, type Names } from './names.ts';
import { type OpenSignup, openSignup, type PublishedNames } from './open-signup.ts';
import { NO_OVERRIDES, type Overrides } from './overrides.ts';
import type { Registry } from './registry.ts';

/** Everything that is known about senders before a message is looked at. */
export type Knowledge = {
  readonly registries: readonly Registry[];
  /** Lists that were configured and could not be had, by name. */
  readonly unavailable: readonly string[];
  readonly overrides: Overrides;
  readonly openSignup: OpenSignup;
  /** What is to be said about the lists themselves, with every verdict. */
  readonly remarks: readonly Reason[];
  /** Who may be posed as; collected when first asked for, as most messages never ask. */
  names(): Names;
};

export type KnowledgeSources = {
  readonly registries?: readonly Registry[];
  readonly unavailable?: readonly string[];
  readonly overrides?: Overrides;
  readonly nameFiles?: readonly PublishedNames[];
  readonly remarks?: readonly Reason[];
};

/** Put together what was read. Without anything, nobody is known and nobody can be trusted. */
export function knowledge(sources: KnowledgeSources = {}): Knowledge {
  const {
    registries = [],
    unavailable = [],
    overrides = NO_OVERRIDES,
    nameFiles = [],
    remarks = [],
  } = sources;
  let names: Names | null = null;
  return {
    registries,
    unavailable,
    overrides,
    remarks,
    openSignup: openSignup(nameFiles, overrides),
    names: () => {
      names ??= collectNames(registries, overrides);
      return names;
    },
  };
}
