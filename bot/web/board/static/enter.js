// @ts-check
// Takes the one-time token out of the address, hands it in, and goes on to the page that was asked for.

const say = /** @type {HTMLElement} */ (document.getElementById("say"));

/** @returns {Promise<void>} */
async function enter() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (!token) {
    say.textContent = say.dataset.none ?? "";
    return;
  }
  const answer = await fetch("/board/enter", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const found = await answer.json();
  if (answer.ok) location.replace(found.target);
  else say.textContent = found.refused.join(" ");
}

enter().catch(() => {
  say.textContent = say.dataset.none ?? "";
});
