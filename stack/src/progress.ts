/** Receives one line of progress at a time, ready to be printed. */
export type Progress = (line: string) => void;

/** `1234` → `1.2 s` */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** `43123456` → `43 MB`, `1512345` → `1.5 MB` */
export function megabytes(bytes: number): string {
  const size = bytes / 1_000_000;
  return `${size >= 10 ? size.toFixed(0) : size.toFixed(1)} MB`;
}

/** A line that starts with what it is about, in a column of its own, so that the lines of a start can be read at a glance. */
export function progressLine(subject: string, text: string): string {
  return `${subject.padEnd(16)} ${text}`;
}
