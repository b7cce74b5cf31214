// Slack's modal as a dialog: the fields that the bot sent, judged as Slack's client judges them, then handed in.
import { el } from "./dom.js";
import { block } from "./slack.js";

/** The control for an input block's element, filled in as it stands first. */
function control(item, label) {
  const { element } = item;
  const named = { name: item.block_id, id: `field-${item.block_id}`, "aria-describedby": `fault-${item.block_id}`, "data-kind": element.type };
  if (element.type === "static_select") {
    const chosen = element.initial_option?.value;
    const blank = chosen ? [] : [el("option", { value: "", selected: true }, "")];
    return el("select", named, ...blank, ...element.options.map((option) => el("option", { value: option.value, selected: option.value === chosen }, option.text.text)));
  }
  const types = { number_input: "number", datepicker: "date" };
  const limits = element.type === "number_input" ? { min: element.min_value ?? "", max: element.max_value ?? "", step: element.is_decimal_allowed ? "any" : "1" } : { maxlength: element.max_length ?? "" };
  const value = element.initial_value ?? element.initial_date ?? "";
  return el("input", { ...named, ...limits, type: types[element.type] ?? "text", value, autocomplete: "off", "aria-label": label });
}

/** What Slack's client says of a field before it lets it go; empty where nothing is wrong. */
function fault(item, input, words) {
  if (input.validity.badInput || input.validity.stepMismatch) return words.number;
  if (!input.value) return item.optional ? "" : words.required;
  if (input.validity.rangeUnderflow) return words.least(input.min);
  if (input.validity.rangeOverflow) return words.most(input.max);
  return input.value.length < (item.element.min_length ?? 0) ? words.shorter(item.element.min_length) : "";
}

/** Shows at most one modal; `send` hands it in and gives the faults by field, `close` closes it unsent. */
export class Modal {
  constructor(dialog, send, close) {
    this.dialog = dialog;
    this.send = send;
    this.close = close;
    this.key = "";
    dialog.addEventListener("cancel", (event) => { // the Escape key
      event.preventDefault();
      this.leave();
    });
  }

  /** Draw what the person has before them, and say whether it is new; what was typed stays while it is the same. */
  show(modal, reader, words) {
    const key = modal ? `${modal.id} ${modal.hash}` : "";
    if (key === this.key) return false;
    this.key = key;
    this.modal = modal;
    if (!modal) {
      if (this.dialog.open) this.dialog.close();
      return false;
    }
    this.words = words;
    this.dialog.replaceChildren(this.form(modal.view, reader));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.querySelector("input, select")?.focus();
    return true;
  }

  form(view, reader) {
    const parts = view.blocks.map((item) => {
      if (item.type !== "input") return block(item, reader, () => {});
      const label = el("label", { for: `field-${item.block_id}` }, item.label.text, item.optional ? el("small", null, ` ${this.words.optional}`) : null);
      const hint = item.hint ? el("small", null, item.hint.text) : null;
      return el("div", { class: "field", "data-field": item.block_id }, label, control(item, item.label.text), hint, el("p", { class: "fault", id: `fault-${item.block_id}`, role: "alert" }));
    });
    const leave = () => this.leave();
    return el("form", { method: "dialog", novalidate: true, submit: (event) => { event.preventDefault(); this.submit(event.target); } },
      el("header", null, el("h2", { id: "modal-title" }, view.title.text), el("button", { type: "button", class: "close", "aria-label": view.close?.text ?? this.words.close, click: leave }, "✕")),
      el("div", { class: "parts message" }, ...parts),
      el("footer", null,
        el("button", { type: "button", click: leave }, view.close?.text ?? this.words.close),
        view.submit ? el("button", { type: "submit", class: "strong" }, view.submit.text) : null));
  }

  async submit(form) {
    const inputs = this.modal.view.blocks.filter((item) => item.type === "input");
    const faults = {};
    const values = {};
    for (const item of inputs) {
      const input = form.elements[item.block_id];
      values[item.block_id] = input.value;
      const wrong = fault(item, input, this.words);
      if (wrong) faults[item.block_id] = wrong;
    }
    this.tell(faults);
    if (Object.keys(faults).length) return;
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const told = await this.send(this.modal.id, values);
    button.disabled = false;
    this.tell(told?.errors ?? {});
  }

  /** Write each fault below its field, and put the cursor into the first. */
  tell(faults) {
    for (const place of this.dialog.querySelectorAll("[data-field]")) {
      const wrong = faults[place.dataset.field] ?? "";
      place.querySelector(".fault").textContent = wrong;
      place.querySelector("input, select").setAttribute("aria-invalid", String(Boolean(wrong)));
    }
    this.dialog.querySelector("[aria-invalid=true]")?.focus();
  }

  leave() {
    if (this.modal) this.close(this.modal.id);
  }
}
