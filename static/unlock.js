/**
 * The script of a page that asks for the viewer password, after widget.js: unlocks the page without a reload, and with it all
 * other widgets of the account on the host page.
 */
(() => {
  const root = document.getElementById("w");
  const { widget } = root; // see the end of widget.js

  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const body = new URLSearchParams(new FormData(form));
    form.querySelector("button").disabled = true;
    try {
      await widget.apply(await fetch(form.action, { method: "POST", body }));
      delete root.dataset.state;
      shareToken();
    } catch {
      root.dataset.state = "lost";
    }
    const input = root.querySelector("#password");
    if (input) {
      root.querySelector("button").disabled = false;
      input.select();
    } else {
      root.focus();
    }
    widget.schedule();
  });

  // The widgets of an account have the same origin, so they talk to each other directly: the host page cannot listen, and
  // browsers separate the frames of different sites. Pages in hidden tabs do not take part, because a password is for the page
  // where it was entered.
  const siblings = openChannel();
  if (!siblings) return;

  function openChannel() {
    const [, prefix, account] = location.pathname.match(/(.*)\/[wa]\/([^/]+)/);
    try {
      return new BroadcastChannel(`cabinet-widgets ${prefix}/${account}`);
    } catch {
      return null; // in a browser that blocks all storage, each widget asks for the password
    }
  }

  function isLocked() {
    return Boolean(root.querySelector(".unlock"));
  }

  // Only the service itself puts tokens into pages, after the right password. So they are for all widgets of the account.
  function shareToken() {
    if (widget.token && !isLocked()) siblings?.postMessage({ token: widget.token });
  }

  // A frame may load, or become visible, after another one was unlocked.
  function askSiblings() {
    if (isLocked() && !document.hidden) siblings.postMessage({});
  }

  siblings.onmessage = ({ data: { token } }) => {
    if (document.hidden) return;
    if (!token) {
      shareToken();
    } else if (isLocked()) {
      widget.token = token;
      widget.renew(token);
    }
  };

  addEventListener("visibilitychange", askSiblings);
  askSiblings();
})();
