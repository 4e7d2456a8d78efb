"use strict";
(() => {
  const stored = document.getElementById("report-data");  // a page without it draws its charts with lstmChart
  const data = stored ? JSON.parse(stored.textContent) : { clock: { time: false, step: 1, label: "row" }, charts: {} };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY = 86400, HOUR = 3600;
  const FONT = 'system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = [];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const two = (number) => String(number).padStart(2, "0");
  const minus = (text) => text.replace("-", "\u2212");

  function timeText(seconds, step) {
    const time = new Date(seconds * 1000);
    const day = `${time.getUTCFullYear()}-${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`;
    if (step >= DAY && seconds % DAY === 0) return day;
    return `${day} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
  }

  function xText(x, chart) {
    if (chart.labels) return chart.labels[x];
    return data.clock.time ? timeText(x, data.clock.step) : `${data.clock.label} ${x.toLocaleString("en-US")}`;
  }

  function axisTexts(splits, increment, chart) {
    if (chart.labels) return splits.map((x) => chart.labels[x] || "");
    if (!data.clock.time) return splits.map((x) => minus(x.toLocaleString("en-US")));
    return splits.map((seconds, index) => {
      const time = new Date(seconds * 1000);
      const month = MONTHS[time.getUTCMonth()], year = time.getUTCFullYear();
      const day = `${time.getUTCDate()} ${month}`;
      const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
      if (increment >= 360 * DAY) return String(year);
      if (increment >= 28 * DAY) return index === 0 || time.getUTCMonth() === 0 ? `${month} ${year}` : month;
      if (increment >= DAY) return index === 0 ? `${day} ${year}` : day;
      return index === 0 ? `${day} ${clock}` : seconds % DAY === 0 ? day : clock;
    });
  }

  function xValues(x) {
    const values = [x.first];
    for (const [step, count] of x.runs) {
      const begin = values[values.length - 1];
      for (let index = 1; index <= count; index += 1) values.push(begin + index * step);
    }
    return values;
  }

  const ahead = (chart, values) => new Array(chart.first).fill(null).concat(values);
  const line = (label, stroke, width, more) => ({ label, stroke, width, points: { show: false }, ...more });

  function windowSeries(chart, palette) {
    const columns = [chart.measured], series = [line("measured", palette.ink, 1.5)], bands = [];
    const levels = Object.keys(chart.ends).sort().reverse();
    for (const level of levels) {
      const [low, high] = chart.ends[level];
      bands.push({ series: [columns.length + 2, columns.length + 1], fill: palette["band" + level] || palette.band95 });
      columns.push(ahead(chart, low), ahead(chart, high));
      series.push(line("low" + level, "transparent", 0), line("high" + level, "transparent", 0));
    }
    if (chart.baseline) {
      columns.push(ahead(chart, chart.baseline));
      series.push(line(chart.baselineName, palette.baseline, 1.25, { dash: [4, 3] }));
    }
    columns.push(ahead(chart, chart.forecast));
    const single = chart.forecast.length === 1;
    series.push(line("forecast", palette.model, 2, single ? { points: { show: true, size: 7 } } : {}));
    return { columns, series, bands };
  }

  function seriesSeries(chart, palette) {
    const columns = [chart.measured], series = [line("measured", palette.ink, 1)];
    return { columns, series, bands: [] };
  }

  function readout(chart, index, columns) {
    const number = (value) => value === null ? "missing" : minus(value.toLocaleString("en-US", {
      minimumFractionDigits: Math.min(chart.decimals, 4), maximumFractionDigits: Math.min(chart.decimals, 4),
    }));
    const parts = [xText(columns[0][index], chart)];
    const measured = chart.measured[index];
    if (measured !== null || !chart.labels) parts.push(`measured ${number(measured)}`);
    const step = chart.forecast ? index - chart.first : -1;
    if (step >= 0) {
      parts.push(`forecast ${number(chart.forecast[step])}`);
      for (const level of Object.keys(chart.ends)) {
        const [low, high] = chart.ends[level];
        parts.push(`${level} % ${number(low[step])} to ${number(high[step])}`);
      }
      if (chart.baseline && chart.baseline[step] !== null) parts.push(`${chart.baselineName} ${number(chart.baseline[step])}`);
    }
    return parts.join(" \u00b7 ");
  }

  function yScale(chart) {
    if (!chart.range) return {};
    const [low, high] = chart.range;  // without outliers, which would flatten the rest
    return { range: (plot, least, greatest) => least === null ? [low, high] : [Math.max(least, low), Math.min(greatest, high)] };
  }

  function drawBehind(chart, palette) {
    return (plot) => {
      const { left, top, width, height } = plot.bbox, context = plot.ctx;
      context.save();
      context.beginPath();
      context.rect(left, top, width, height);
      context.clip();
      for (const [name, begin, end] of chart.splits || []) {
        if (name === "training") continue;
        context.fillStyle = name === "test" ? palette.test : palette.val;
        const from = plot.valToPos(begin, "x", true);
        context.fillRect(from, top, plot.valToPos(end, "x", true) - from, height);
      }
      context.restore();
    };
  }

  function drawAbove(chart, palette, labels) {
    return (plot) => {
      const { left, top, width, height } = plot.bbox, context = plot.ctx, ratio = window.devicePixelRatio;
      const canvas = context.canvas.width;
      const inside = (x) => x >= left - 1 && x <= left + width + 1;
      context.save();
      context.font = `${12 * ratio}px ${FONT}`;
      const write = (text, x, y, align) => {
        context.textAlign = align;
        context.textBaseline = "alphabetic";
        context.fillStyle = palette.muted;
        context.fillText(text, x, y);
      };
      const dashed = (x) => {
        context.setLineDash([2 * ratio, 3 * ratio]);
        context.lineWidth = ratio;
        context.strokeStyle = palette.muted;
        context.beginPath();
        context.moveTo(x, top);
        context.lineTo(x, top + height);
        context.stroke();
        context.setLineDash([]);
      };
      for (const [name, begin, end] of (chart.splits || []).filter((split) => split[0] !== "training")) {
        const x = plot.valToPos(begin, "x", true);
        if (!inside(x)) continue;
        dashed(x);
        const room = Math.min(left + width, plot.valToPos(end, "x", true)) - x;
        const fits = context.measureText(name).width + 5 * ratio < room;
        write(name, x + (fits ? 5 : -5) * ratio, top - 6 * ratio, fits ? "left" : "right");
      }
      if (chart.forecast) {
        const x = plot.valToPos(plot.data[0][chart.first], "x", true);
        if (inside(x)) dashed(x);
      }
      const [xs, ys] = chart.outliers || [[], []];
      xs.forEach((value, index) => {
        const x = plot.valToPos(value, "x", true);
        const y = Math.max(top, Math.min(top + height, plot.valToPos(ys[index], "y", true)));
        if (!inside(x)) return;
        context.beginPath();
        context.arc(x, y, 3.5 * ratio, 0, 2 * Math.PI);
        context.lineWidth = 1.5 * ratio;
        context.strokeStyle = palette.worse;
        context.stroke();
      });
      const ends = labels.splits.map((value, index) => {
        const x = plot.valToPos(value, "x", true), half = context.measureText(labels.texts[index]).width / 2;
        return { text: labels.texts[index], x, begin: x - half, end: x + half };
      }).filter((item) => inside(item.x));
      const apart = (shown) => shown.every((item, index) => !index || shown[index - 1].end + 6 * ratio < item.begin);
      let shown = ends;
      for (let every = 2; !apart(shown); every += 1) shown = ends.filter((item, index) => index % every === 0);
      for (const { text, x, begin, end } of shown) {
        if (begin >= 0 && end <= canvas) write(text, x, top + height + 17 * ratio, "center");
      }
      context.restore();
    };
  }

  function numberTexts(splits, increment) {
    const largest = Math.max(...splits.map(Math.abs));
    const [size, suffix] = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1, ""]].find(([one]) => largest >= one || one === 1);
    const digits = Math.max(0, -Math.floor(Math.log10(increment / size) + 1e-9));
    const decimals = Math.min(10, increment / size * 10 ** digits % 1 > 1e-6 ? digits + 1 : digits);
    return splits.map((value) => value === 0 ? "0" : minus((value / size).toLocaleString("en-US", {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals,
    }) + suffix));
  }

  function textsWidth(plot, texts) {
    plot.ctx.save();
    plot.ctx.font = `12px ${FONT}`;
    const width = Math.max(0, ...(texts || []).map((text) => plot.ctx.measureText(text).width));
    plot.ctx.restore();
    return Math.ceil(width) + 10;  // with the gap to the chart
  }

  function reserve(item) {
    const text = item.place.parentElement.querySelector(".readout"), before = text.textContent;
    text.style.minHeight = "";
    let height = 0;
    const columns = item.plot.data, count = columns[0].length;
    for (let part = 0; part < 24; part += 1) {  // the newest values, which have the longest texts
      text.textContent = readout(data.charts[item.place.dataset.chart], Math.max(0, count - 1 - part), columns);
      height = Math.max(height, text.offsetHeight);
    }
    text.textContent = before;
    text.style.minHeight = `${height}px`;  // so that pointing at the chart does not move the page
  }

  function build(place) {
    const chart = data.charts[place.dataset.chart];
    const names = ["paper", "ink", "muted", "rule", "model", "baseline", "band80", "band95", "test", "val", "worse"];
    const palette = Object.fromEntries(names.map((name) => [name, color(name)]));
    const { columns, series, bands } = (chart.forecast ? windowSeries : seriesSeries)(chart, palette);
    const columnsWithX = [xValues(chart.x), ...columns];
    const labels = { splits: [], texts: [] };
    const keep = (plot, splits, index, space, increment) => {
      Object.assign(labels, { splits, texts: axisTexts(splits, increment, chart) });
      return splits.map(() => "");  // drawAbove writes those that do not touch
    };
    const still = place.querySelector(".chart"), sides = getComputedStyle(still);
    const [leftSide, rightSide] = [parseFloat(sides.paddingLeft), parseFloat(sides.paddingRight)];
    const text = place.parentElement.querySelector(".readout");
    const reset = place.querySelector(".reset");
    const x = columnsWithX[0], whole = [x[0], x[x.length - 1]];
    if (whole[0] === whole[1]) whole[1] += 1;
    const options = {
      width: place.clientWidth, height: Number(still.getAttribute("height")),
      padding: [18, rightSide, 0, 0], legend: { show: false }, pxAlign: false,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { x: { time: data.clock.time, range: (plot, low, high) => low === null ? whole : [low, high] }, y: yScale(chart) },
      cursor: {
        y: false, drag: { x: true, y: false, uni: 10 },
        points: { size: 7, fill: (plot, index) => plot.series[index].points.show === false && plot.series[index].width === 0 ? "transparent" : plot.series[index].stroke(plot, index), stroke: palette.paper, width: 1.5 },
      },
      axes: [
        { size: 22, gap: 0, grid: { show: false }, ticks: { size: 4, width: 1, stroke: palette.muted }, space: 84,
          values: keep },
        { size: (plot, texts) => Math.max(leftSide, textsWidth(plot, texts)), gap: 8, space: 44, stroke: palette.muted,
          font: `12px ${FONT}`, grid: { stroke: palette.rule, width: 1 }, ticks: { show: false },
          values: (plot, splits, index, space, increment) => numberTexts(splits, increment) },
      ],
      series: [{}, ...series], bands,
      hooks: {
        drawClear: [drawBehind(chart, palette)],
        draw: [drawAbove(chart, palette, labels)],
        setCursor: [(plot) => {
          const index = plot.cursor.idx;
          text.textContent = index === null || index === undefined ? "" : readout(chart, index, columnsWithX);
        }],
        setScale: [(plot, key) => {
          if (key === "x") reset.hidden = plot.scales.x.min <= whole[0] && plot.scales.x.max >= whole[1];
        }],
      },
    };
    return new uPlot(options, columnsWithX, place);
  }

  function start(place) {
    const reset = document.createElement("button");
    reset.type = "button";
    reset.className = "reset";
    reset.textContent = "Reset zoom";
    reset.hidden = true;
    place.append(reset);
    const item = { place, plot: build(place) };
    place.classList.add("live");
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", place.querySelector(".chart").getAttribute("aria-label") + ". Arrow keys read values.");
    const whole = () => item.plot.setData(item.plot.data, true);
    reset.addEventListener("click", whole);
    let index = 0;
    place.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const x = item.plot.data[0], now = item.plot.cursor.idx;
      index = Math.max(0, Math.min(x.length - 1, (now === null || now === undefined ? index : now) + step));
      item.plot.setCursor({ left: item.plot.valToPos(x[index], "x"), top: item.plot.over.clientHeight / 2 });
    });
    new ResizeObserver(() => {
      const width = place.clientWidth;
      if (!width) return;
      if (width !== item.plot.width) item.plot.setSize({ width, height: item.plot.height });
      reserve(item);
    }).observe(place);
    plots.push(item);
  }

  window.lstmChart = (place, chart) => {  // draws a chart in a place, instead of the one that it had
    data.charts[place.dataset.chart] = chart;
    const item = plots.find((other) => other.place === place);
    if (!item) return start(place);
    item.plot.destroy();
    item.plot = build(place);
    reserve(item);
  };
  document.querySelectorAll(".plot:not(.empty)").forEach(start);
  const folded = () => [...document.querySelectorAll("details:not([open])")];
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = folded();
    for (const item of unfolded) item.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const item of unfolded) item.open = false;
  });
  dark.addEventListener("change", () => {
    for (const item of plots) {
      const { min, max } = item.plot.scales.x;
      item.plot.destroy();
      item.plot = build(item.place);
      item.plot.setScale("x", { min, max });
    }
  });
})();
