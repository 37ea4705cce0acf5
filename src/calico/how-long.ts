/** `12 s`, `3 min`, `3 min 20 s`: how long, for people; rounded down, so that nothing is said to be over before it is. */
export function howLong(durationMs: number): string {
  const whole = Math.max(0, Math.floor(durationMs / 1_000));
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  if (minutes === 0) return `${rest} s`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
