import { type NegotiatedParameters, WriteLostError } from '@rxtls/core';
import type { Hop } from '../hop.ts';

/** An element of this page, by its id. */
export function element<T extends Element>(id: string, type: abstract new (...never: never[]) => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${id}`);
}

type State = 'idle' | 'running' | 'done' | 'failed';

/** A lost write is lost for a reason, and that is what there is to tell. */
const reason = (error: Error): Error =>
  error instanceof WriteLostError && error.cause instanceof Error ? reason(error.cause) : error;

/** What is drawn. Bytes from anywhere become text, never markup. */
export class View {
  readonly #outcome = element('outcome', HTMLOutputElement);
  readonly #question = element('question', HTMLPreElement);
  readonly #answer = element('answer', HTMLPreElement);
  readonly #relay = element('relay', HTMLOListElement);
  readonly #server = element('server', HTMLOListElement);
  readonly #tracks = { page: element('from-page', HTMLDivElement), server: element('from-server', HTMLDivElement) };
  #decoder = new TextDecoder();
  #bytes = 0;
  #how = '';

  /** What the hops see will be drawn. */
  ready(): void {
    document.body.dataset['hops'] = 'open';
  }

  asks(request: string): void {
    for (const each of [this.#answer, this.#relay, this.#server, ...Object.values(this.#tracks)])
      each.replaceChildren();
    this.#question.textContent = request.trimEnd();
    this.#decoder = new TextDecoder();
    this.#bytes = 0;
    this.#how = '';
    this.#says('running', 'Connecting through the relay …');
  }

  connected({ version, cipherSuite, group }: NegotiatedParameters): void {
    this.#how = [version, cipherSuite, group].filter((each) => each !== undefined).join(', ');
    this.#says('running', `The server is who it should be: ${this.#how}. Waiting for its answer …`);
  }

  read(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#answer.append(this.#decoder.decode(bytes, { stream: true }));
  }

  done(): void {
    this.#says('done', `The whole answer: ${this.#bytes} bytes, and then the server’s close_notify. ${this.#how}.`);
  }

  failed(error: Error): void {
    const { name, message } = reason(error);
    const read =
      this.#bytes === 0
        ? 'Nothing was read.'
        : `The ${this.#bytes} bytes below are the server’s, but they are not all of its answer.`;
    this.#says('failed', `The connection failed: ${message} (${name}). ${read}`);
  }

  hop(hop: Hop): void {
    if (hop.at === 'server') return this.#line(this.#server, hop.saw, '');
    if ('ended' in hop)
      return this.#line(this.#relay, hop.isCut ? `cut: ${hop.ended}` : hop.ended, hop.isCut ? 'flipped' : 'clear');
    const { from, bytes, hex, records, isFlipped } = hop;
    const sealed = records.every(({ type }) => type === 'application_data');
    const kind = isFlipped ? 'flipped' : sealed ? 'sealed' : 'clear';
    const arrow = from === 'page' ? '→' : '←';
    const spaced = hex.replaceAll(/../g, '$& ').trimEnd();
    this.#line(
      this.#relay,
      `${arrow} ${String(bytes).padStart(5)}  ${spaced}${bytes * 2 > hex.length ? ' …' : ''}`,
      kind,
    );
    if (isFlipped) this.#line(this.#relay, 'one bit of these it has flipped', kind);
    for (const [index, { type, length }] of records.entries()) {
      const isChanged = isFlipped && index === 0;
      const own = isChanged ? 'flipped' : type === 'application_data' ? 'sealed' : 'clear';
      for (const lane of ['page', 'server'] as const) {
        const marble = document.createElement('i');
        marble.className = `marble ${lane === from ? own : 'none'} ${length > 1_000 ? 'large' : ''}`;
        if (lane === from) marble.title = `${type}, ${length} bytes${isChanged ? ', a bit of it flipped' : ''}`;
        this.#tracks[lane].append(marble);
      }
    }
  }

  #says(state: State, text: string): void {
    this.#outcome.dataset['state'] = state;
    this.#outcome.textContent = text;
  }

  #line(list: HTMLOListElement, text: string, kind: string): void {
    const item = document.createElement('li');
    item.textContent = text;
    item.className = kind;
    list.append(item);
    if (list.childElementCount > 200) list.firstElementChild?.remove();
    list.parentElement?.scrollTo(0, list.parentElement.scrollHeight);
  }
}
