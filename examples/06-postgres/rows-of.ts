import type { Client, QueryConfig } from 'pg';

/** The rows that one statement gives, each in a line. */
export async function rowsOf(client: Client, text: string, values: readonly unknown[]): Promise<readonly string[]> {
  const { rows } = await client.query<Readonly<Record<string, unknown>>>(statement(text, values));
  return rows.map((row) =>
    Object.entries(row)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' '),
  );
}

/** With `extended`, which the types do not know, the server takes one statement and no more, whatever its values. */
const statement = (text: string, values: readonly unknown[]): QueryConfig =>
  Object.assign({ text, values: [...values] }, { queryMode: 'extended' });
