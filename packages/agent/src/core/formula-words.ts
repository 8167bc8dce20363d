const words = (list: string) => new Set(list.split(/\s+/));

/**
 * TeX commands after which a reader sees every word that is written. Sizes, colors, phantoms, laps, boxes, labels,
 * definitions and negative space are none of them.
 */
export const commands = words(
  String.raw`
  \ { } , ; : | _ & $ % # quad qquad
  alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho
  sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
  frac dfrac tfrac cfrac binom sqrt sum prod coprod int iint iiint oint lim limsup liminf min max sup inf arg det dim
  ker gcd deg hom Pr log ln lg exp sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan mod bmod pmod limits
  mathbf mathrm mathit mathsf mathtt mathcal mathbb mathfrak mathscr boldsymbol text textbf textit textrm texttt
  operatorname operatorname* hat bar vec tilde dot ddot widehat widetilde overline underline overbrace underbrace
  overset underset stackrel boxed cancel left right middle big Big bigg Bigg bigl bigr Bigl Bigr lfloor rfloor lceil
  rceil langle rangle lvert rvert lVert rVert vert Vert lbrace rbrace lbrack rbrack
  leq le geq ge neq ne equiv approx sim simeq cong propto ll gg prec succ subset supset subseteq supseteq in notin ni
  perp parallel mid models vdash times div cdot cdots ldots dots vdots ddots pm mp ast star circ bullet oplus otimes
  odot wedge land vee lor neg lnot cap cup setminus emptyset varnothing forall exists nexists infty partial nabla
  prime degree angle triangle square therefore because ell hbar Re Im aleph
  to gets leftarrow rightarrow leftrightarrow Leftarrow Rightarrow Leftrightarrow longrightarrow longleftarrow
  Longrightarrow mapsto implies impliedby iff uparrow downarrow hookrightarrow rightleftharpoons displaystyle textstyle
`.trim(),
);

/** Names of environments that set words side by side, as they stand after \begin and \end. */
export const environments = words(
  "{matrix} {pmatrix} {bmatrix} {Bmatrix} {vmatrix} {Vmatrix} {cases} {align} {align*} {aligned} {gather} {gather*} {gathered} {split} {equation} {equation*}",
);
