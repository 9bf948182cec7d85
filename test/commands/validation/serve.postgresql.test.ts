import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./serve.test.ts'));
