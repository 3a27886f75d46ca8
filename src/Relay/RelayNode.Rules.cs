using Weir.Relay.Diagnostics;

namespace Weir.Relay;

// Each node decides by its own rules how a publication is kept. Where they differ, what one node publishes without history
// is missing from the history that another one recovers its clients from, and neither can tell. So the nodes compare them
// each time that they show themselves, and say so where they are not the same.
public sealed partial class RelayNode
{
    private volatile string[] _nodesWithOtherRules = [];

    /// <summary>
    /// The names of other nodes whose <see cref="RelayOptions.Rules"/> differ from this node's, as they said a few seconds ago;
    /// empty if all agree. During a deployment that changes rules there are some; else it is a mistake.
    /// </summary>
    public IReadOnlyList<string> NodesWithOtherRules => _nodesWithOtherRules;

    private void CompareRules(IReadOnlyList<NodeInfo> nodes)
    {
        string own = Options.Rules.Digest;
        string[] others = [.. nodes.Where(node => node.Rules.Length > 0 && node.Rules != own).Select(static node => node.Name).Order(StringComparer.Ordinal)];
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
