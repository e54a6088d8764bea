// Calls methods of the npm client: one JSON line in, one JSON line out.
import { createInterface } from 'node:readline';
import { KlingAPI } from 'kling-api';

const [accessKey, secretKey, baseUrl] = process.argv.slice(2);
const api = new KlingAPI({ accessKey, secretKey, baseUrl });

// Two methods take the query that they are to repeat: `wait` is given its name.
async function call({ method, args }) {
  if (method !== 'wait') return api[method](...args);
  const [kind, task, query] = args;
  return api[`waitFor${kind}Result`](task, (id) => api[query](id), { interval: 50, timeout: 60000, showSpinner: false });
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: (await call(JSON.parse(line))) ?? null };
  } catch (error) {
    answer = { error: { message: error.message, code: error.code ?? null, status: error.httpStatus ?? null } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
