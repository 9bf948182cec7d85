import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./service.test.ts'));
