import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./transfer.test.ts'));
