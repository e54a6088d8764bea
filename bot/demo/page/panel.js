// The control panel: how the stand-in for Kling behaves. Where there is none, the panel stays hidden.

import { el, send } from "./dom.js";

const ADDRESS = "demo/api/kling";
const KNOBS = ["render_seconds", "failure_rate", "throttle", "lose_answers"];

function shown(values) {
  KNOBS.forEach((name) => {
    const input = el(`k-${name}`), out = el(`o-${name}`);
    if (input.type === "checkbox") input.checked = values[name];
    else input.value = values[name];
    if (input.type === "range") input.style.setProperty("--share", 100 * values[name] / input.max);
    if (out) out.textContent = name === "failure_rate" ? `${Math.round(values[name] * 100)} %` : `${values[name]} s`;
  });
}

async function turn(name) {
  const input = el(`k-${name}`), value = input.type === "checkbox" ? input.checked : Number(input.value);
  const values = await send(ADDRESS, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ [name]: value }) });
  if (values) shown(values);
}

export async function openPanel() {
  const answer = await fetch(ADDRESS);
  if (!answer.ok) return;
  shown(await answer.json());
  el("panel").hidden = false;
  KNOBS.forEach((name) => el(`k-${name}`).addEventListener("input", () => turn(name)));
}
