import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./transfer.test.ts'));
