/** The server's answer is not HTTP/1.1, or larger than is wanted. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  constructor(what: string) {
    super(`the server's answer: ${what}`);
  }
}
