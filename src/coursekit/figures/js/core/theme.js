// Follow the page's theme: the book's, JupyterLab's, VS Code's, Colab's, the system's.

/**
 * Find out whether the page is dark.
 * @returns {boolean}
 */
export function pageIsDark() {
  const { documentElement: root, body } = document;
  const named = root.dataset.theme || root.getAttribute("theme");
  if (named === "dark" || named === "light") return named === "dark";
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false";
  const kind = body.dataset.vscodeThemeKind || body.className;
  if (/vscode-(dark|high-contrast(?!-light))/.test(kind)) return true;
  if (/vscode-/.test(kind)) return false;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/**
 * Keep an element's data-theme equal to the page's, also when the reader switches.
 * @param {HTMLElement} element
 */
export function followTheme(element) {
  const update = () => {
    element.dataset.theme = pageIsDark() ? "dark" : "light";
  };
  const observer = new MutationObserver(update);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  update();
}
