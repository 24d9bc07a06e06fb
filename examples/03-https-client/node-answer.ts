import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { Observable } from 'rxjs';

/** What Node's http made of an answer. */
export interface NodeAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** `http.request` when subscribed: the whole answer, or how it failed. Unsubscribing destroys the request. */
export const nodeAnswer = (options: RequestOptions): Observable<NodeAnswer> =>
  new Observable((subscriber) => {
    const asked = request(options, (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      answer.on('data', (bytes: Buffer) => chunks.push(bytes));
      answer.on('error', (error) => subscriber.error(error));
      answer.on('end', () => {
        subscriber.next({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) });
        subscriber.complete();
      });
    });
    asked.on('error', (error) => subscriber.error(error));
    asked.end();
    return () => asked.destroy();
  });
