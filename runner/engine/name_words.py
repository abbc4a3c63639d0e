"""Words for the names of containers that nobody named: adjective_surname.

Our own selection. Every adjective is kind, so that no pair with a person's name offends; the
surnames are those of people who found things out or built things: in mathematics, natural
science, medicine, engineering and computing.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# one text rather than a list: a word a line would fill five screens
ADJECTIVES: Final = tuple(
    """
    able agile airy alert amber apt artful astute attentive avid awake balanced bold bonny brave
    breezy bright brisk bubbly buoyant calm candid careful cheerful civil clear clever cordial
    cosmic courteous crafty crisp curious dapper daring dashing deft devoted diligent direct
    driven dynamic eager earnest easygoing elegant eloquent enduring engaging epic fair faithful
    famed fearless fervent festive fine fleet fluent forthright frank free fresh friendly funny
    gallant generous gentle genuine gifted glad gleaming glowing golden good graceful gracious
    grand grateful harmonic hearty helpful heroic honest hopeful humble inspired intrepid
    inventive jaunty jolly jovial joyful jubilant just keen kind lasting lively logical loyal
    lucid lucky luminous magical mellow merry mindful modest neat nimble noble notable observant
    open optimistic orderly patient peaceful peppy playful pleasant plucky poetic poised polite
    proud prudent punctual quick quiet radiant rapid ready resolute resourceful rosy sage
    sanguine savvy scenic serene sharp shining silver sincere skilful smart smiling snappy snug
    spirited splendid spry steady stellar sterling stoic sturdy subtle sunny swift tactful
    tenacious thankful thorough thoughtful tidy tranquil true trusty upbeat valiant versatile
    vibrant vigilant vivid warm watchful whimsical wholesome wise witty wonderful worthy zany
    zealous zesty
""".split()
)

SURNAMES: Final = tuple(
    """
    abbe abel adleman alfven alhazen allen alvarez ampere anning archimedes aristarchus arnold
    aryabhata avicenna avogadro babbage backus baird banach banks banneker bardeen bartik bassi
    bayes becquerel bell bernoulli bessel bethe bhabha biruni bjerknes blackburn blackwell bohr
    boltzmann bolyai boole borg born bose boyle bragg brahe brahmagupta brattain brunel burnell
    cannon cantor cardano carnot carson cartan cartwright cauchy cavendish cayley celsius cerf
    chandrasekhar chatelet chebyshev chern church clarke cockcroft codd conway copernicus cori
    coriolis correns coulomb cray crick curie curry cuvier dahl daimler dalton darwin davy
    dedekind descartes dickson diesel diffie dijkstra diophantus dirac dirichlet doppler
    dresselhaus dyson eastwood eckert eddington edison ehrenfest ehrlich einstein elion
    engelbart eratosthenes erdos esaki euclid euler fano faraday feigenbaum feinler fermat fermi
    feynman fibonacci fischer fizeau fleming foucault fourier franklin fraunhofer fresnel
    frobenius fuller gabor galen galileo galois gamow gauss geiger gentzen germain gibbs goddard
    godel goeppert goldberg goldwasser golgi goodall gosset granville green grothendieck
    gutenberg hahn hale hales halley hamilton hamming hardy harrison harvey hawking heaviside
    heisenberg helmholtz henry hermite herschel hertz hesse hevelius hilbert hipparchus hoare
    hodgkin hollerith hooke hopper horner hubble huffman humboldt hutton huxley huygens hypatia
    iverson jacobi jacquard jansky jemison jenner joliot joule kahan kalman kamen karmarkar karp
    katayama kay kelvin kepler kernighan khayyam khwarizmi kilby kirchhoff kitasato kleene klein
    knuth koch kolmogorov kovalevskaya kurchatov ladyzhenskaya lagrange lamarr lamb lambert
    lamport landau laplace laue lavoisier lawrence leavitt lebesgue leeuwenhoek legendre leibniz
    lemaitre levi liebig lindemann linnaeus liskov lister lobachevsky lorentz lovelace lovell
    lyapunov lyell maathai mach malpighi mandelbrot marconi markov maskelyne maxwell mayer
    mccarthy mcclintock meitner mendel mendeleev mercator mersenne michelson millikan milner
    minkowski minsky mirzakhani mitchell moore morse moser napier nash naur navier neumann
    newell newton nightingale nobel noether noyce oersted ohm oort oppenheimer ostwald panini
    papin pappus pascal pasteur pauli pauling payne peano peirce penrose perelman perlman perrin
    piaget planck poincare poisson polya porter priestley ptolemy pythagoras quine raman
    ramanujan ramsey rayleigh reynolds riemann ritchie rivest robinson roemer roentgen rosen
    rubin russell rutherford rydberg sabin sagan salk sammet scheele schrodinger schwarzschild
    seaborg selberg semmelweis shannon shapley shaw shechtman siemens sikorsky simon snell snow
    somerville somov spence stallman steinmetz stevin stibitz stokes strachey stroustrup
    sutherland swirles sylvester szilard tarjan tarski tartaglia taussig taylor tereshkova tesla
    thales thompson thomson torricelli torvalds tull turing tycho uhlenbeck ulam urey vavilov
    venn vernadsky vesalius viete villani virchow volta voronoi waerden wald wallace wallis watt
    weber wegener weierstrass weil weyl wheatstone wheeler whitehead whitworth wien wigner
    wilkes wilkins wilson wirth wohler wozniak wren wright wu xu yalow yang young yukawa zariski
    zeeman zeno zermelo zernike zhang zhukovsky zuse zworykin
""".split()
)
