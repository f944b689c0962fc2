/**
 * The last 8 hex digits of an event's id: what states and jobs keep of it. They are random in UUIDs of version 4, which the
 * capture makes, and of version 7, whose first digits are a time that two events may share.
 */
export function eventTag(eventId: string): string {
  return eventId.slice(-8);
}

/** Stands where no event is: before a stream's first one (the nil UUID's digits), and in tombstones that no event left. */
export const NO_EVENT_TAG = '00000000';
