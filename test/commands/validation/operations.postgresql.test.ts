import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./operations.test.ts'));
