import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./desk.test.ts'));
