"""MoleculeNet's data sets, a row each.

The SHA-256 are those of the files in DeepChem's bucket. Those of ESOL, FreeSolv, Lipophilicity and
Tox21 (unpacked) were computed from copies of these files. That of HIV was too, after an empty line
was put after every row, as the bucket's file has it; the result agrees with the MD5 that other
projects pin. Those of BACE, BBBP and QM9 are as several projects that pin these files record them
independently, and which agree with us on the other five.
"""

from skchem_dl.datasets._fetch import Source, Task, make_fetch

_RMSE = "neg_root_mean_squared_error"
_NO_LICENSE = "none stated by the source, a journal's supporting information"
_US_GOVERNMENT = "none stated; made public by agencies of the U.S. government"

fetch_lipophilicity = make_fetch(
    Source(
        name="lipophilicity",
        title="Lipophilicity: octanol/water distribution of drug-like compounds",
        about="""\
Measured octanol/water distribution coefficients (logD at pH 7.4) of compounds that AstraZeneca
deposited in ChEMBL [1]_. No structure occurs twice.""",
        n_rows=4_200,
        remote="Lipophilicity.csv",
        sha256=("aed41590cb30609d51d8e08ad3ff06495a76e80e211358801f596b10da69bacd",),
        smiles=("smiles",),
        tasks=(
            Task("regression", "random", _RMSE, {"exp": "logD at pH 7.4 (log10, dimensionless)"}),
        ),
        reference=(
            'AstraZeneca (2015). "Experimental in vitro DMPK and physicochemical data on a set of '
            'publicly disclosed compounds". ChEMBL deposited data set CHEMBL3301361. '
            "https://doi.org/10.6019/CHEMBL3301361"
        ),
        license="CC BY-SA 3.0, as all of ChEMBL",
    )
)

fetch_esol = make_fetch(
    Source(
        name="esol",
        title="ESOL: aqueous solubility of organic compounds",
        about="""\
Measured solubility in water, as Delaney compiled it [1]_. The other columns are his descriptors,
and his model's prediction, which is no feature to learn from. 1,117 of the structures differ.""",
        n_rows=1_128,
        remote="delaney-processed.csv",
        sha256=("8c06a76f0c6487d29ab0f903e6a7a7139f189ab3c1178f159c8be8964602f189",),
        smiles=("smiles",),
        tasks=(
            Task(
                "regression",
                "random",
                _RMSE,
                {"measured log solubility in mols per litre": "log10(mol/L)"},
            ),
        ),
        reference=(
            'Delaney, J. S. (2004). "ESOL: Estimating Aqueous Solubility Directly from Molecular '
            'Structure". Journal of Chemical Information and Computer Sciences, 44(3), 1000-1005. '
            "https://doi.org/10.1021/ci034243x"
        ),
        license=_NO_LICENSE,
    )
)

fetch_freesolv = make_fetch(
    Source(
        name="freesolv",
        title="FreeSolv: hydration free energy of small molecules",
        about="""\
Measured free energies of transfer from gas to water [1]_. The column ``calc`` is the result of
molecular dynamics, to compare with.""",
        n_rows=642,
        remote="SAMPL.csv",
        sha256=("ab5895d914ee87cb563bd7b9611e869527bba45bec6b014d34dc495a0f9dcb72",),
        smiles=("smiles",),
        tasks=(Task("regression", "random", _RMSE, {"expt": "kcal/mol"}),),
        reference=(
            'Mobley, D. L., and Guthrie, J. P. (2014). "FreeSolv: a database of experimental and '
            'calculated hydration free energies, with input files". Journal of Computer-Aided '
            "Molecular Design, 28(7), 711-720. https://doi.org/10.1007/s10822-014-9747-x"
        ),
        license="see the terms of https://github.com/MobleyLab/FreeSolv",
    )
)

fetch_bace = make_fetch(
    Source(
        name="bace",
        title="BACE: inhibitors of human beta-secretase 1",
        about="""\
Inhibition of BACE-1, gathered from the literature [1]_: as a class or as pIC50. The copy of three
columns that is smaller by the descriptors will do as well.""",
        n_rows=1_513,
        remote="bace.csv",
        sha256=(
            "f3fb9ce90bada3e2bd6148b0df13f8f8145a357bf87df0dd5b391ede974fc737",
            "ce2dbb915a44653a0ca34145a61ae2ae36d9c1d70c505bf87ffc28173a2601e5",  # three columns
        ),
        smiles=("mol", "smiles"),
        tasks=(
            Task("classification", "scaffold", "roc_auc", {"Class": "1 inhibits, 0 does not"}),
            Task("regression", "scaffold", _RMSE, {"pIC50": "-log10(IC50 in mol/L)"}),
        ),
        reference=(
            "Subramanian, G., Ramsundar, B., Pande, V., and Denny, R. A. (2016). "
            '"Computational Modeling of β-Secretase 1 (BACE-1) Inhibitors Using Ligand Based '
            'Approaches". Journal of Chemical Information and Modeling, 56(10), 1936-1949. '
            "https://doi.org/10.1021/acs.jcim.6b00290"
        ),
        license=_NO_LICENSE,
    )
)

fetch_bbbp = make_fetch(
    Source(
        name="bbbp",
        title="BBBP: penetration of the blood-brain barrier",
        about="""\
Whether compounds reach the brain [1]_. RDKit rejects some of the SMILES, so that MoleculeNet counts
2,039 compounds.""",
        n_rows=2_050,
        remote="BBBP.csv",
        sha256=("d07a38487aeac5cee5508413e468043ef3097451d2a112701c2d60be9ec6b662",),
        smiles=("smiles",),
        tasks=(
            Task("classification", "scaffold", "roc_auc", {"p_np": "1 penetrates, 0 does not"}),
        ),
        reference=(
            "Martins, I. F., Teixeira, A. L., Pinheiro, L., and Falcao, A. O. (2012). "
            '"A Bayesian Approach to in Silico Blood-Brain Barrier Penetration Modeling". Journal '
            "of Chemical Information and Modeling, 52(6), 1686-1697. "
            "https://doi.org/10.1021/ci300124c"
        ),
        license=_NO_LICENSE,
    )
)

_TOX21_ASSAYS = (
    "NR-AR",
    "NR-AR-LBD",
    "NR-AhR",
    "NR-Aromatase",
    "NR-ER",
    "NR-ER-LBD",
    "NR-PPAR-gamma",
    "SR-ARE",
    "SR-ATAD5",
    "SR-HSE",
    "SR-MMP",
    "SR-p53",
)

fetch_tox21 = make_fetch(
    Source(
        name="tox21",
        title="Tox21: twelve toxicity assays",
        about="""\
Activity in seven nuclear-receptor and five stress-response assays, from the Tox21 data challenge of
2014 [1]_. Not every compound was measured in every assay: the targets have gaps, which
`skchem_dl.metrics.masked_scorer` leaves out. RDKit 2026.3 rejects eight of the SMILES.""",
        n_rows=7_831,
        remote="tox21.csv.gz",
        sha256=("7d7e7facd853a63e79ddce4e9c3fcb7a0d83a1c300b603031c0f2c64fbe77761",),
        smiles=("smiles",),
        tasks=(
            Task(
                "classification",
                "random",
                "roc_auc",
                dict.fromkeys(_TOX21_ASSAYS, "1 active, 0 inactive"),
            ),
        ),
        reference=(
            'Huang, R., et al. (2016). "Tox21Challenge to Build Predictive Models of Nuclear '
            "Receptor and Stress Response Pathways as Mediated by Exposure to Environmental "
            'Chemicals and Drugs". Frontiers in Environmental Science, 3, 85. '
            "https://doi.org/10.3389/fenvs.2015.00085"
        ),
        license=_US_GOVERNMENT,
    )
)

fetch_hiv = make_fetch(
    Source(
        name="hiv",
        title="HIV: inhibition of the virus's replication",
        about="""\
The AIDS antiviral screen of the U.S. National Cancer Institute [1]_. The column ``activity`` tells
confirmed inactive (CI), moderately active (CM) and active (CA) compounds apart; the latter two are
active here, 3.5 % of all. RDKit 2026.3 rejects seven of the SMILES.""",
        n_rows=41_127,
        remote="HIV.csv",
        sha256=(
            "9ffa7fe57dc86c342627ee1d5255e937e2ab812393c73c4d16c697022f6e1d22",
            "54713c3205055055ea4214e8c4b0d22d93af7e54ad2c48f4edc866e161e57262",  # no empty lines
        ),
        smiles=("smiles",),
        tasks=(
            Task("classification", "scaffold", "roc_auc", {"HIV_active": "1 active, 0 inactive"}),
        ),
        reference=(
            "National Cancer Institute, Developmental Therapeutics Program. AIDS Antiviral Screen "
            "Data. https://wiki.nci.nih.gov/display/NCIDTPdata/AIDS+Antiviral+Screen+Data"
        ),
        license=_US_GOVERNMENT,
    )
)

fetch_qm9 = make_fetch(
    Source(
        name="qm9",
        title="QM9: computed properties of small organic molecules",
        about="""\
Properties of molecules of up to nine heavy atoms (C, N, O, F), computed with density functional
theory, B3LYP/6-31G(2df,p) [1]_. SMILES carry no geometry, on which many of these depend.""",
        n_rows=133_885,
        remote="qm9.csv",
        sha256=("3e668f8c34e4bc392a90d417a50a5eed3b64b842a817a633024bdc054c68ccb4",),
        smiles=("smiles",),
        tasks=(
            Task(
                "regression",
                "random",
                "neg_mean_absolute_error",
                {
                    "mu": "D (dipole moment)",
                    "alpha": "bohr³ (isotropic polarisability)",
                    "homo": "hartree (energy of the HOMO)",
                    "lumo": "hartree (energy of the LUMO)",
                    "gap": "hartree (LUMO - HOMO)",
                    "r2": "bohr² (electronic spatial extent)",
                    "zpve": "hartree (zero-point vibrational energy)",
                    "cv": "cal/(mol K) (heat capacity at 298.15 K)",
                    "u0": "hartree (internal energy at 0 K)",
                    "u298": "hartree (internal energy at 298.15 K)",
                    "h298": "hartree (enthalpy at 298.15 K)",
                    "g298": "hartree (free energy at 298.15 K)",
                },
            ),
        ),
        reference=(
            "Ramakrishnan, R., Dral, P. O., Rupp, M., and von Lilienfeld, O. A. (2014). "
            '"Quantum chemistry structures and properties of 134 kilo molecules". Scientific '
            "Data, 1, 140022. https://doi.org/10.1038/sdata.2014.22"
        ),
        license="CC0 1.0",
    )
)
