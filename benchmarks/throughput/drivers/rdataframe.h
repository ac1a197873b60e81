// Selections and weights of the flows for ROOT RDataFrame, compiled before time is taken.
// Single precision where NanoAOD has it, so that the same events are selected as with arrays.

#include <ROOT/RVec.hxx>
#include <Math/Vector4D.h>
#include <TStopwatch.h>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "correction.h"

using ROOT::RVecB, ROOT::RVecD, ROOT::RVecF, ROOT::RVecI;
using RVecU8 = ROOT::RVec<unsigned char>;

// Processor and wall time when the loop over events begins, after the graph was compiled.
namespace begin {
bool waiting = false;
double cpu = 0, wall = 0;
void arm() { waiting = true; }
bool mark() {
  if (waiting) {
    waiting = false;
    cpu = double(std::clock()) / CLOCKS_PER_SEC;
    wall = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  return true;
}
double cpu_now() { return double(std::clock()) / CLOCKS_PER_SEC; }
double wall_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}  // namespace begin

// Cuts and working points, filled from the parameters.
struct Cuts {
  float muon_pt, muon_eta, muon_iso, electron_pt, electron_eta, electron_iso;
  float jet_pt, jet_eta, jet_dr, puid_maxpt;
  int jet_id, puid_lowest;
  float btag;
  float hard_muon, hard_electron, met;
  int jets, btags;
  float gen_pt, gen_eta, gen_dr;
  double leading_pt, mass_low, mass_high;
};
Cuts cuts;

std::map<std::string, correction::Correction::Ref> tables;
void load(const std::string& key, const std::string& file, const std::string& name) {
  static std::map<std::string, std::unique_ptr<correction::CorrectionSet>> sets;
  if (!sets.count(file)) sets[file] = correction::CorrectionSet::from_file(file);
  tables[key] = sets[file]->at(name);
}

int number_above(const RVecF& pt, float threshold) { return ROOT::VecOps::Sum(pt >= threshold); }

RVecI good_muons(const RVecF& pt, const RVecF& eta, const RVecB& id, const RVecF& iso) {
  return pt > cuts.muon_pt && abs(eta) < cuts.muon_eta && id && iso < cuts.muon_iso;
}

RVecI good_electrons(const RVecF& pt, const RVecF& eta, const RVecF& delta, const RVecB& id, const RVecF& iso) {
  const RVecF supercluster = abs(eta + delta);
  return pt > cuts.electron_pt && abs(eta) < cuts.electron_eta && id && iso < cuts.electron_iso &&
         (supercluster < 1.4442f || supercluster > 1.5660f);
}

RVecI good_jets(const RVecF& pt, const RVecF& eta, const RVecF& phi, const RVecI& id, const RVecI& puid,
                const RVecF& lepton_eta, const RVecF& lepton_phi) {
  RVecI good(pt.size(), 0);
  for (size_t jet = 0; jet < pt.size(); jet++) {
    if (!(pt[jet] > cuts.jet_pt && std::abs(eta[jet]) < cuts.jet_eta && id[jet] >= cuts.jet_id)) continue;
    if (!(puid[jet] >= cuts.puid_lowest || pt[jet] >= cuts.puid_maxpt)) continue;
    bool far = true;
    for (size_t lepton = 0; lepton < lepton_eta.size(); lepton++)
      far &= ROOT::VecOps::DeltaR(eta[jet], lepton_eta[lepton], phi[jet], lepton_phi[lepton]) > cuts.jet_dr;
    good[jet] = far;
  }
  return good;
}

// Heaviest flavour of the generated jets that no top decayed to: 5, 4 or 0.
int additional_flavour(const RVecF& pt, const RVecF& eta, const RVecF& phi, const RVecU8& flavour,
                       const RVecF& gen_eta, const RVecF& gen_phi, const RVecI& code, const RVecI& mother) {
  RVecI quarks;
  for (size_t particle = 0; particle < code.size(); particle++) {
    const int id = std::abs(code[particle]);
    if ((id != 4 && id != 5) || mother[particle] < 0) continue;
    const int parent = std::abs(code[mother[particle]]);
    if (parent == 6 || parent == 24) quarks.push_back(particle);
  }
  int heaviest = 0;
  for (size_t jet = 0; jet < pt.size(); jet++) {
    if (!(flavour[jet] >= 4 && pt[jet] > cuts.gen_pt && std::abs(eta[jet]) < cuts.gen_eta)) continue;
    bool far = true;
    for (int quark : quarks) far &= ROOT::VecOps::DeltaR(eta[jet], gen_eta[quark], phi[jet], gen_phi[quark]) > cuts.gen_dr;
    if (far) heaviest = std::max(heaviest, int(flavour[jet]));
  }
  return heaviest;
}

RVecD pileup_weights(float interactions) {
  RVecD found;
  for (const char* kind : {"nominal", "up", "down"}) found.push_back(tables["pileup"]->evaluate({double(interactions), kind}));
  return found;
}

// Products over leptons of each scale factor: nominal, up, down.
RVecD muon_weights(const std::string& key, const RVecF& pt, const RVecF& eta, int sides) {
  static const std::vector<std::string> kinds = {"nominal", "systup", "systdown"};
  RVecD found(3, 1.);
  const auto& table = tables[key];
  for (int side = 0; side < sides; side++)
    for (size_t muon = 0; muon < pt.size(); muon++)
      found[side] *= table->evaluate({double(std::abs(eta[muon])), double(pt[muon]), kinds[side]});
  return found;
}

RVecD electron_weights(bool reco, const RVecF& pt, const RVecF& supercluster, int sides) {
  static const std::vector<std::string> kinds = {"sf", "sfup", "sfdown"};
  RVecD found(3, 1.);
  const auto& table = tables["electron"];
  for (int side = 0; side < sides; side++)
    for (size_t electron = 0; electron < pt.size(); electron++) {
      const std::string point = !reco ? "wp80iso" : pt[electron] < 20 ? "RecoBelow20" : "RecoAbove20";
      found[side] *= table->evaluate({"toys", kinds[side], point, double(supercluster[electron]), double(pt[electron])});
    }
  return found;
}

RVecD btag_weights(const RVecI& flavour, const RVecF& pt, const RVecF& eta, const RVecF& score, int sides) {
  static const std::vector<std::string> kinds = {"central", "up_lf", "down_lf"};
  RVecD found(3, 1.);
  const auto& table = tables["btag"];
  for (int side = 0; side < sides; side++)
    for (size_t jet = 0; jet < pt.size(); jet++)
      found[side] *= table->evaluate({flavour[jet] == 4 ? kinds[0] : kinds[side], flavour[jet],
                                      double(std::abs(eta[jet])), double(pt[jet]), double(score[jet])});
  return found;
}

// The product of all factors, then each factor up and down.
RVecD all_weights(float generator, const std::vector<RVecD>& factors, size_t varied) {
  RVecD found(1 + 2 * varied, double(generator));
  for (size_t factor = 0; factor < factors.size(); factor++)
    for (size_t column = 0; column < found.size(); column++) {
      const bool own = column > 0 && (column - 1) / 2 == factor;
      found[column] *= factors[factor][own ? 1 + (column - 1) % 2 : 0];
    }
  return found;
}

ROOT::Math::PtEtaPhiMVector pair_of(const RVecF& pt, const RVecF& eta, const RVecF& phi, const RVecF& mass) {
  using Vector = ROOT::Math::PtEtaPhiMVector;
  return Vector(pt[0], eta[0], phi[0], mass[0]) + Vector(pt[1], eta[1], phi[1], mass[1]);
}
