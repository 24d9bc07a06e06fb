import { map, type Observable, Subscription } from 'rxjs';
import type { TestScheduler } from 'rxjs/testing';
import type { TimelineRow } from './timeline.ts';
import { timelineRecorder } from './timeline-recorder.ts';

/** Marble diagrams whose values are bytes and whose expectations read as rows. */
export interface ByteMarbles {
  /** The ASCII bytes of a text. */
  readonly bytes: (text: string) => Uint8Array;
  /** Byte arrays at the frames of a diagram: a letter stands for `values[letter]`, else for its own ASCII byte. */
  readonly hot: (diagram: string, values?: Readonly<Record<string, Uint8Array | string>>) => Observable<Uint8Array>;
  readonly cold: (diagram: string, values?: Readonly<Record<string, Uint8Array | string>>) => Observable<Uint8Array>;
  /** Numbers at the frames of a diagram, for grants of demand: a letter stands for `values[letter]`. */
  readonly numbers: (diagram: string, values: Readonly<Record<string, number>>) => Observable<number>;
  /**
   * Expects one row of the diagram: subscribes now, compares when virtual time is over. One character is one frame in
   * every row, spaces are nothing, and a letter stands for the label `values[letter]`, else for itself. What comes in one
   * frame is joined by ` + `, completion is `|` and an error `#` with its name: `{ e: 'c + # TruncationError' }`.
   */
  readonly row: <T>(
    name: string,
    observed: Observable<T>,
    label: (value: T) => string,
    diagram: string,
    values?: Readonly<Record<string, string>>,
  ) => void;
  /** The rows so far, for `renderTimeline`. */
  readonly rows: readonly TimelineRow[];
}

/** Runs a test in the scheduler's virtual time, where a dash is a millisecond, and then compares its rows. */
export function byteMarbles<T>(scheduler: TestScheduler, test: (marbles: ByteMarbles) => T): T {
  const recorder = timelineRecorder(() => scheduler.frame);
  const comparisons: (() => void)[] = [];
  const playing = new Subscription();
  const result = scheduler.run(({ hot, cold }) => {
    const toBytes = (values: Readonly<Record<string, Uint8Array | string>>) => (letter: string) => {
      const value = values[letter] ?? letter;
      return typeof value === 'string' ? asciiBytes(value) : value.slice();
    };
    return test({
      rows: recorder.rows,
      bytes: asciiBytes,
      hot: (diagram, values = {}) => hot(diagram).pipe(map(toBytes(values))),
      cold: (diagram, values = {}) => cold(diagram).pipe(map(toBytes(values))),
      numbers: (diagram, values) => hot(diagram, values),
      row: (name, observed, label, diagram, values = {}) => {
        playing.add(observed.subscribe(recorder.row(name, label)));
        const row = recorder.rows.at(-1);
        comparisons.push(() =>
          scheduler.assertDeepEqual({ [name]: byFrame(row?.events ?? []) }, { [name]: framesOf(diagram, values) }),
        );
      },
    });
  });
  playing.unsubscribe();
  for (const compare of comparisons) compare();
  return result;
}

/** `{ 'frame 3': 'a + b' }`, as what happened and as what the diagram says. */
type Frames = Record<string, string>;

const byFrame = (events: TimelineRow['events']): Frames => {
  const frames: Frames = {};
  for (const { at, label } of events) {
    const before = frames[`frame ${at}`];
    frames[`frame ${at}`] = before === undefined ? label : `${before} + ${label}`;
  }
  return frames;
};

const framesOf = (diagram: string, values: Readonly<Record<string, string>>): Frames =>
  Object.fromEntries(
    Array.from(diagram.replaceAll(' ', ''))
      .map((letter, frame) => [letter, `frame ${frame}`] as const)
      .filter(([letter]) => letter !== '-')
      .map(([letter, frame]) => [frame, values[letter] ?? letter]),
  );

const asciiBytes = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
