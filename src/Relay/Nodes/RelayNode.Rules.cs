using Weir.Relay.Diagnostics;

namespace Weir.Relay.Nodes;

// Each node keeps a publication by its own rules. Where they differ, a publication that one node makes without history is missing from the
// history that another one recovers its clients from, and neither can detect it. So each node compares the digests whenever it announces
// itself, and logs a difference.
public sealed partial class RelayNode
{
    private volatile string[] _nodesWithOtherRules = [];

    /// <summary>
    /// The names of other nodes whose <see cref="RelayOptions.Rules"/> differ from this node's, as announced a few seconds ago; empty if
    /// all agree. Expected during a deployment that changes rules; otherwise a mistake.
    /// </summary>
    public IReadOnlyList<string> NodesWithOtherRules => _nodesWithOtherRules;

    private void CompareRules(IReadOnlyList<NodeInfo> nodes)
    {
        string own = Settings.Rules.Digest;
        string[] others =
        [
            .. nodes.Where(node => node.Rules.Length > 0 && node.Rules != own)
                .Select(static node => node.Name)
                .Order(StringComparer.Ordinal)
        ];
        if (others.SequenceEqual(_nodesWithOtherRules))
        {
            return;
        }

        _nodesWithOtherRules = others;
        if (others.Length > 0)
        {
            RelayLog.RulesDiffer(Logger, others.Length, string.Join(", ", others.Take(10)));
        }
        else
        {
            RelayLog.RulesAgree(Logger);
        }
    }
}
