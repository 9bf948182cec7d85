import { onPostgres } from '../../helpers/on-postgres.ts';

await onPostgres(() => import('./forged.test.ts'));
