// Finding by role and accessible name, in the page: the same few lines run in all three engines, so that a test says
// the same thing in each. It knows the roles and the ways of naming that our screens use, no more.

/**
 * Runs in the page. The visible elements of a role with a name.
 * @param {{ role: string, name?: string, part?: string, css?: string, last?: boolean, all?: boolean, center?: boolean }} wanted
 *   `name` is the whole name, `part` some of it, `css` narrows where names are data (an address, a topic); with `center`
 *   it is brought to the middle of the window, away from the bars above and below
 * @returns {Element | Element[] | null}
 */
export function inPage(wanted) {
  const SELECTORS = {
    button: 'button, [role=button], summary, input[type=submit], input[type=button]',
    link: 'a[href], [role=link]',
    textbox: 'textarea, [role=textbox], input:not([type]), input[type=text], input[type=search], input[type=email], input[type=url], input[type=tel]',
    checkbox: 'input[type=checkbox], [role=checkbox], [role=switch]',
    radio: 'input[type=radio], [role=radio]',
    combobox: 'select, [role=combobox]',
    heading: 'h1, h2, h3, h4, [role=heading]',
    status: '[role=status], output',
    alert: '[role=alert]',
    dialog: 'dialog[open], [role=dialog], [role=alertdialog]',
    listitem: 'li, [role=listitem]',
    row: 'tr, [role=row]',
    main: 'main, [role=main]',
  };
  const tidy = (text) => (text ?? '').replace(/[\u00ad\u200b]/g, '').replace(/\s+/g, ' ').trim();
  const textOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute('aria-hidden') === 'true' || node.hidden) return '';
    if (node.getAttribute('aria-label')) return ` ${node.getAttribute('aria-label')} `;
    if (node.tagName === 'IMG') return ` ${node.alt} `;
    const inner = [...node.childNodes].map(textOf).join('');
    return getComputedStyle(node).display.startsWith('inline') ? inner : ` ${inner} `;
  };
  const nameOf = (element) => {
    const by = element.getAttribute('aria-labelledby');
    if (by) return tidy(by.split(/\s+/).map((id) => document.getElementById(id)).filter(Boolean).map(textOf).join(' '));
    const label = element.getAttribute('aria-label');
    if (label) return tidy(label);
    if (element.labels?.length) return tidy([...element.labels].map(textOf).join(' '));
    if (element.tagName === 'INPUT' && /submit|button/.test(element.type)) return tidy(element.value);
    return tidy(textOf(element)) || tidy(element.getAttribute('title')) || tidy(element.getAttribute('placeholder'));
  };
  const visible = (element) => {
    if (element.closest('[inert], [aria-hidden=true]')) return false;
    // A box that is drawn by its label (a chip) has no size of its own and is still there.
    const shown = element.labels?.length && element.getClientRects().length === 0 ? element.labels[0] : element;
    return shown.getClientRects().length > 0 && getComputedStyle(shown).visibility !== 'hidden';
  };
  // Behind an open dialog nothing can be tapped.
  const modal = [...document.querySelectorAll('dialog:modal')].at(-1);
  const found = [...(modal ?? document).querySelectorAll(SELECTORS[wanted.role] ?? `[role=${wanted.role}]`)].filter((element) => {
    const own = element.getAttribute('role');
    if (own && own !== wanted.role && !(wanted.role === 'checkbox' && own === 'switch')) return false;
    if (wanted.css && !element.matches(wanted.css)) return false;
    if (!visible(element)) return false;
    const name = nameOf(element);
    if (wanted.name !== undefined) return name === tidy(wanted.name);
    return wanted.part === undefined || name.includes(tidy(wanted.part));
  });
  if (wanted.all) return found;
  const one = (wanted.last ? found.at(-1) : found[0]) ?? null;
  if (wanted.center) (one?.getClientRects().length ? one : one?.labels?.[0])?.scrollIntoView({ block: 'center', behavior: 'instant' });
  return one;
}

/** Runs in the page. What stands on it, for the failure's text. */
export function outline() {
  const lines = [`${location.pathname} · ${document.title}`];
  for (const element of document.querySelectorAll('h1, h2, h3, button, a[href], input, textarea, [role=status], [role=alert], p, li')) {
    if (element.getClientRects().length === 0) continue;
    const text = (element.getAttribute('aria-label') ?? element.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, 90);
    lines.push(`  ${element.tagName.toLowerCase()}${element.disabled ? ' (disabled)' : ''}: ${text}`);
    if (lines.length > 60) break;
  }
  return lines.join('\n');
}

/** Runs in the page. All the text that a reader sees. */
export function visibleText() {
  return document.body.innerText.replace(/\u00ad/g, '');
}
