"""How an exported page looks: quiet, readable in Chinese, light or dark as the reader's system."""

PAGE_STYLE = """\
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1f2328; --quiet: #656d76; --line: #d8dee4;
  --asked: #eef4fb; --code: #f6f8fa; --link: #0757ae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --ink: #e6e8eb; --quiet: #9aa3ad; --line: #333a42;
    --asked: #1d2733; --code: #1c2128; --link: #7ab4f5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.75 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif;
  overflow-wrap: anywhere;
}
header { border-bottom: 1px solid var(--line); margin-bottom: 2rem; padding-bottom: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.35; margin: 0 0 .25rem; }
header p, .speaker, .ending { color: var(--quiet); font-size: .85rem; margin: 0; }
section { margin: 0 0 1.75rem; }
.speaker { font-weight: 600; margin-bottom: .25rem; }
.user .said, .system .said {
  background: var(--asked); border-radius: .75rem; padding: .7rem 1rem; white-space: pre-wrap;
}
.system .said { background: none; border: 1px dashed var(--line); }
.said > :first-child { margin-top: 0; }
.said > :last-child { margin-bottom: 0; }
.said h1, .said h2, .said h3, .said h4, .said h5, .said h6 {
  font-size: 1.1rem; line-height: 1.4; margin: 1.4em 0 .5em;
}
.said h1 { font-size: 1.3rem; }
.said h2 { font-size: 1.2rem; }
a { color: var(--link); }
blockquote { border-left: 3px solid var(--line); color: var(--quiet); margin: 1em 0;
  padding-left: 1rem; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK SC",
  "Sarasa Mono SC", monospace; font-size: .9em; }
:not(pre) > code { background: var(--code); border-radius: .3em; padding: .1em .35em; }
pre, pre.code { background: var(--code); border-radius: .6rem; line-height: 1.5; overflow-x: auto;
  overflow-wrap: normal; padding: .9rem 1rem; tab-size: 4; }
pre code { font-size: 1em; }
table { border-collapse: collapse; display: block; margin: 1em 0; max-width: 100%;
  overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .35em .8em; text-align: left; }
th { background: var(--code); }
.ending { margin-top: .5rem; }
@media print { body { max-width: none; } pre { white-space: pre-wrap; } }
"""
