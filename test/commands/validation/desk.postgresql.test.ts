import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./desk.test.ts'));
