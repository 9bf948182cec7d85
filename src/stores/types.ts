import type { ServedKeys } from '../keys/served.ts';
import type { LoginStore } from '../logins/types.ts';
import type { Administration } from '../validation/clients.ts';
import type { ValidationStore } from '../validation/types.ts';

/** What validation and logins work with, all in one database. Each part is opened when it is asked for. */
export type Stores = {
  readonly keys: ServedKeys;
  readonly office: () => Promise<Administration>;
  readonly logins: () => Promise<LoginStore>;
  readonly validation: () => Promise<ValidationStore>;
  /** Close whatever was opened. */
  readonly close: () => Promise<void>;
};

/** Stores that are open. */
export type OpenedStores = {
  readonly stores: Stores;
  /** The master key that this call made, to be backed up apart from the database. */
  readonly newMasterKey: string | null;
};
