// Where the theme falls short of what axe-core asks: the search has a name, and what scrolls is reached by keyboard.
document$.subscribe(() => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const scrolling of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) scrolling.tabIndex = 0;
});
