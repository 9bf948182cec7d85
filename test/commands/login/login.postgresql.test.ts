import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./login.test.ts'));
