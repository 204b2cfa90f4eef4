// How long since, as mm:ss (h:mm:ss after an hour).

import { now } from "./http.js";

export function span(iso) {
  const total_s = Math.max(0, Math.floor((now() - Date.parse(iso)) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(total_s / 3600);
  const rest = `${two(Math.floor(total_s / 60) % 60)}:${two(total_s % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
