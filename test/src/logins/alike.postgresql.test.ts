import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./alike.test.ts'));
