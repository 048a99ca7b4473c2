// What a reply says of time: values by date, corrections, and how far the archive reaches.
import { fill, slot, texts } from "./chat.js";

export function fillTimeline(section, answer) {
  const image = slot(section, "timeline");
  image.hidden = !answer.timeline;
  if (!answer.timeline) return;
  image.src = answer.timeline.src;
  image.alt = answer.timeline.text;
}

export function fillCorrection(item, citation) {
  const note = citation.correction;
  slot(item, "correction").hidden = !note;
  if (note) fill(item, { correction_kind: texts[note.kind], correction_quote: note.quote });
}

export const fillWarning = (exchange, reply) => fill(exchange, { warning: reply.freshness?.warning ?? "" });
