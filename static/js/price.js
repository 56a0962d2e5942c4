// The same arithmetic as the invoice: integer minor units, shown in the reader's locale.

function money(minor, currency) {
  const whole = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  const digits = whole.resolvedOptions().maximumFractionDigits;
  const scale = 10 ** digits;
  const fraction = minor % scale === 0 ? 0 : digits;
  return new Intl.NumberFormat(document.documentElement.lang, {
    style: "currency",
    currency,
    minimumFractionDigits: fraction,
    maximumFractionDigits: digits,
  }).format(minor / scale);
}

function showPlan(plan, count) {
  const flat = Number(plan.dataset.flat);
  const each = Number(plan.dataset.each);
  const most = Number(plan.dataset.most || Infinity);
  const { currency } = plan.dataset;
  const over = count > most;
  plan.toggleAttribute("data-over", over);
  plan.querySelector("[data-price]").textContent = money(flat + each * Math.min(count, most), currency);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  plan.querySelector("[data-sum]").textContent = (over ? plan.dataset.overText : plan.dataset.sumText)
    .replace("{flat}", money(flat, currency))
    .replace("{each}", money(each, currency))
    .replace("{count}", number.format(over ? most : count));
}

export function watchPrices() {
  const slider = document.querySelector("[data-price-slider]");
  if (!slider) return;
  const range = slider.querySelector("input[type=range]");
  const output = slider.querySelector("output");
  const counts = slider.dataset.priceSlider.split(" ").map(Number);
  const plans = document.querySelectorAll("[data-plan]");
  range.max = counts.length - 1;
  const show = () => {
    const count = counts[range.value];
    const text = slider.dataset.text.replace(
      "{count}",
      new Intl.NumberFormat(document.documentElement.lang).format(count),
    );
    output.textContent = text;
    range.setAttribute("aria-valuetext", text);
    plans.forEach((plan) => showPlan(plan, count));
  };
  range.addEventListener("input", show);
  slider.hidden = false;
  show();
}
