import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./as-validator.test.ts'));
