// Keeps the trees of a page true while it is open and seen. Without this file a page is as true as its last loading.
(() => {
  'use strict';
  const region = document.querySelector('[data-live]');
  const state = document.querySelector('[data-live-state]');
  if (!region || !window.EventSource) return;
  let source = null;
  let shownAt = performance.now();

  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text;
  };

  // What had the focus keeps it; a button that is gone leaves it to the party it stood by.
  const replace = (html) => {
    const focused = document.activeElement;
    const key = region.contains(focused) ? focused.dataset.key : undefined;
    const kind = focused ? focused.tagName : '';
    region.innerHTML = html;
    shownAt = performance.now();
    if (key === undefined) return;
    const same = [...region.querySelectorAll('[data-key]')].filter((element) => element.dataset.key === key);
    const next = same.find((element) => element.tagName === kind) ?? same[0];
    if (next) next.focus();
  };

  const tick = () => {
    const gone = Math.floor((performance.now() - shownAt) / 1000);
    for (const element of region.querySelectorAll('[data-left]')) {
      const left = `${Math.max(0, Number(element.dataset.left) - gone)} s`;
      if (element.textContent !== left) element.textContent = left;
    }
  };

  const open = () => {
    if (source) return;
    source = new EventSource(region.dataset.live);
    source.addEventListener('open', () => say('This page follows what happens.'));
    source.addEventListener('error', () => say('The connection is lost; this page may be out of date.'));
    source.addEventListener('grants', (event) => replace(event.data));
    source.addEventListener('over', () => location.reload());
  };

  const close = () => {
    if (source) source.close();
    source = null;
  };

  // A stop is sent without leaving the page; what came of it arrives like everything else.
  region.addEventListener('submit', (event) => {
    const form = event.target;
    if (!source || source.readyState !== EventSource.OPEN) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
    fetch(form.action, { method: 'POST', body, redirect: 'manual' })
      .then((answer) => {
        if (answer.type === 'opaqueredirect') say('Stopped. This page shows what is left in a moment.');
        else form.submit();
      })
      .catch(() => form.submit());
  });

  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  setInterval(tick, 1000);
  open();
})();
