extension ReportPage {
    /// How the page looks, on light and dark screens, on narrow ones and on paper. The colours of lines are Okabe and Ito's, which
    /// those who confuse colours tell apart; on a dark page lighter ones of the same hues.
    static let sheet: StaticString = """
        :root { color-scheme: light dark; --page: #ffffff; --panel: #f6f7f9; --ink: #1b2430; --soft: #586473; --rule: #dde2e8;
          --accent: #0b5cad; --good: #0a6b4b; --bad: #b3261e; --warn: #8a5a00;
          --line1: #0072b2; --line2: #00865f; --line3: #d55e00; }
        @media (prefers-color-scheme: dark) { :root { --page: #14181d; --panel: #1c2229; --ink: #e6eaef; --soft: #9aa7b5;
          --rule: #323b45; --accent: #6cb2f5; --good: #4cc79b; --bad: #ff8a80; --warn: #e6b450;
          --line1: #56b4e9; --line2: #33c79a; --line3: #ff9447; } }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
          font-variant-numeric: tabular-nums; }
        main { max-width: 1120px; margin: 0 auto; padding: 40px 32px 56px; }
        h1, h2, p, dl, dd, figure, ul, pre { margin: 0; }
        h1 { font-size: 26px; line-height: 1.25; font-weight: 650; margin: 10px 0 4px; overflow-wrap: anywhere; }
        h2 { font-size: 17px; line-height: 1.3; font-weight: 650; margin-bottom: 12px; }
        section, .pair { margin-top: 40px; }
        .plan { color: var(--soft); font-size: 16px; overflow-wrap: anywhere; }
        .outcome { display: inline-block; padding: 2px 12px; border-radius: 999px; font-weight: 600; font-size: 14px;
          border: 1px solid currentColor; }
        .good { color: var(--good); }
        p.bad { color: var(--bad); }
        .facts { display: flex; flex-wrap: wrap; gap: 6px 32px; margin-top: 16px; }
        .facts div { display: flex; gap: 8px; }
        dt { color: var(--soft); }
        .facts dd { overflow-wrap: anywhere; }
        .notices { margin-top: 20px; padding: 12px 16px 12px 34px; border-left: 3px solid var(--warn); background: var(--panel);
          overflow-wrap: anywhere; }
        pre { margin-top: 12px; padding: 12px 16px; background: var(--panel); overflow-x: auto;
          font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
        .verdict { margin-top: 28px; padding: 16px 20px; background: var(--panel); border-left: 3px solid var(--good);
          overflow-wrap: anywhere; }
        .verdict h2 { margin-bottom: 4px; }
        .verdict.valid strong { color: var(--good); }
        .verdict.generator-limited { border-color: var(--warn); }
        .verdict.generator-limited strong { color: var(--warn); }
        .verdict.incomplete { border-color: var(--bad); }
        .verdict.incomplete strong { color: var(--bad); }
        .verdict ul { margin-top: 8px; padding-left: 20px; }
        .numbers { color: var(--soft); white-space: nowrap; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin-top: 40px; }
        .tile { padding: 14px 16px; box-shadow: 0 0 0 1px var(--rule); }
        .tile dt { font-size: 13px; }
        .tile dd { color: var(--soft); font-size: 13px; }
        .tile .figure { color: var(--ink); font-size: 25px; line-height: 1.3; font-weight: 600; white-space: nowrap; }
        .tile.bad .figure { color: var(--bad); }
        .charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 32px 40px; }
        .chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 16px; margin-bottom: 8px; }
        .chart strong { font-weight: 600; }
        .legend { display: flex; flex-wrap: wrap; gap: 0 16px; color: var(--soft); font-size: 13px; }
        .key { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; }
        .chart > svg { display: block; width: 100%; height: auto; overflow: visible; }
        svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
          font-variant-numeric: tabular-nums; fill: var(--soft); }
        .grid { stroke: var(--rule); }
        .axis { stroke: var(--soft); }
        .apart { fill: var(--rule); fill-opacity: 0.45; }
        .ink0 { stroke: var(--line1); } .ink1 { stroke: var(--line2); } .ink2, .ink3 { stroke: var(--line3); }
        .dot.ink0 { fill: var(--line1); } .dot.ink1 { fill: var(--line2); } .dot.ink2, .dot.ink3 { fill: var(--line3); }
        .note { fill: var(--ink); }
        rect.note:hover { fill-opacity: 0.07; }
        p.note { margin-top: 12px; color: var(--soft); font-size: 13px; }
        p.note + p.note { margin-top: 2px; }
        .charts + p.note { margin-top: 20px; }
        .frame { overflow-x: auto; }
        .frame:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td { padding: 6px 0 6px 20px; border-bottom: 1px solid var(--rule); font-weight: 400; vertical-align: top; }
        th:first-child { padding-left: 0; }
        thead th { color: var(--soft); font-size: 13px; border-bottom-color: var(--soft); }
        .words { text-align: left; overflow-wrap: anywhere; }
        .figures { text-align: right; white-space: nowrap; }
        tbody th { min-width: 130px; }
        td.words { min-width: 130px; }
        td.words:last-child { min-width: 200px; }
        tr.bad th { color: var(--bad); }
        tr.ours th { color: var(--soft); }
        tr.ours.bad th { color: var(--bad); }
        .pair { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 40px; }
        .pair section { margin-top: 0; }
        footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--rule); color: var(--soft); font-size: 13px; }
        @media screen and (max-width: 760px) {
          main { padding: 24px 16px 40px; }
          h1 { font-size: 21px; }
          .charts, .pair { grid-template-columns: minmax(0, 1fr); }
          .tiles { grid-template-columns: repeat(2, 1fr); }
          .tile .figure { font-size: 21px; }
          svg text { font-size: 15px; }
          th, td { padding-left: 14px; }
          tbody th { max-width: 46vw; }
          td.words { min-width: 96px; }
        }
        @media print {
          :root { --page: #ffffff; --panel: #f6f7f9; --ink: #000000; --soft: #444444; --rule: #bbbbbb;
            --good: #0a6b4b; --bad: #b3261e; --warn: #8a5a00; --line1: #0072b2; --line2: #00865f; --line3: #d55e00; }
          body { font-size: 11px; }
          main { max-width: none; padding: 0; }
          section, .pair, .tiles { margin-top: 20px; }
          .chart, .tile, tr, .verdict { break-inside: avoid; }
          h2 { break-after: avoid; }
          .frame { overflow: visible; }
          table, thead th, .tile dd, .tile dt, .legend, p.note, footer { font-size: 10px; }
          th, td { padding: 3px 0 3px 10px; }
          tbody th, td.words { min-width: 0; }
          h1 { font-size: 20px; }
          h2 { font-size: 13px; margin-bottom: 6px; }
          .plan { font-size: 12px; }
          .tiles { grid-template-columns: repeat(4, 1fr); }
          .tile { padding: 6px 10px; }
          .tile .figure { font-size: 17px; }
          .charts { gap: 14px 24px; }
        }
        """
}
