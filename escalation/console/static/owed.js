// What is owed after a claim, in words with running seconds.

import { now } from "./http.js";
import { span } from "./span.js";

export const isLate = (clock) => clock.is_late || now() >= Date.parse(clock.by);

export const owedWords = (clock) => `${clock.start} ${span(clock.since)}，${clock.words}${isLate(clock) ? "（超时）" : ""}`;
