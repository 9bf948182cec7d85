import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./as-validator.test.ts'));
