import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./login.test.ts'));
