import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./verify.test.ts'));
