// Tree: decision steps as a nested list, the active branch marked in words.
import { escapeText } from "../core/format.js";

/**
 * Draw a Tree panel, as real text.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup of a list, and its table.
 */
export function tree(panel, view) {
  const active = view.space.at(panel.active, view.state);
  const path = pathTo(panel.root, active) ?? [];
  const html = `<ul class="ck-tree"><li>${nodeOf(panel.root, path, active)}</li></ul>`;
  return { html, table: () => tableOf(panel.root, path) };
}

/** Return the numbers of the nodes from the root to one, or null. */
export function pathTo(node, wanted) {
  if (node.id === wanted) return [node.id];
  for (const [, child] of node.answers) {
    const below = pathTo(child, wanted);
    if (below) return [node.id, ...below];
  }
  return null;
}

function nodeOf(node, path, active) {
  const here = node.id === active;
  const leaf = !node.answers.length;
  const word = here ? `<span class="ck-here">${leaf ? "your case" : "undecided here"}</span>` : "";
  const kind = leaf ? "ck-leaf" : "ck-question";
  const on = path.includes(node.id) ? " ck-on" : "";
  const current = here ? ' aria-current="true"' : "";
  const text = `<span class="${kind}${on}"${current}>${escapeText(node.text)}</span>${word}`;
  if (leaf) return text;
  const items = node.answers.map(([answer, child]) => {
    const taken = path.includes(child.id);
    const [look, tick] = taken ? [" ck-on", " ✓"] : ["", ""];
    const name = `<span class="ck-answer${look}">${escapeText(answer)}${tick}</span>`;
    return `<li class="${look.trim()}">${name} ${nodeOf(child, path, active)}</li>`;
  });
  return `${text}<ul>${items.join("")}</ul>`;
}

function tableOf(root, path) {
  const rows = [];
  const walk = (node) => {
    const next = node.answers.find(([, child]) => path.includes(child.id));
    if (node.answers.length) rows.push([node.text, next ? next[0] : "undecided"]);
    else rows.push(["conclusion", node.text]);
    if (next) walk(next[1]);
  };
  walk(root);
  return { head: ["question", "answer"], rows };
}
