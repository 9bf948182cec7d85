import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./operations.test.ts'));
