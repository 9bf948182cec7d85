// Mail servers of the laboratory in a process of their own, which may run in another network namespace:
//   node lab-servers.ts PORT HABIT@ADDRESS…
import { HABITS, type Habit } from '../../src/lab/habits.ts';
import { startMailServer } from '../../src/lab/mail-server.ts';

const [port, ...wanted] = process.argv.slice(2);

for (const each of wanted) {
  const [name, host = ''] = each.split('@');
  const habit = HABITS.find((known): known is Habit => known === name);
  if (!habit) throw new Error(`no habit ${name}`);
  await startMailServer({ hostname: 'mx.lab.test', habit, host, port: Number(port) });
}
