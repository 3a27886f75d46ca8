using System.CommandLine;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>
/// A kind of load, as a subcommand: what connections do (a <see cref="WorkerPlan"/>), in which order, and what must be measured.
/// </summary>
internal abstract class Scenario(string name, string description)
{
    public string Name => name;

    /// <summary>Where raw clients go when the address has no path.</summary>
    public virtual string RawPath => "/ws";

    /// <summary>How many servers are started by --server.</summary>
    public virtual int Servers => 1;

    /// <summary>Its own options.</summary>
    protected abstract IEnumerable<Option> Options { get; }

    public Command Create()
    {
        Command command = new(name, description);
        foreach (Option option in Options.Concat(CommonOptions.All).Concat(Thresholds.All))
        {
            command.Add(option);
        }

        command.SetAction((parsed, _) => Session.RunAsync(this, parsed));
        return command;
    }

    /// <summary>Completes the plan.</summary>
    public abstract WorkerPlan Plan(ParseResult parsed, WorkerPlan plan);

    /// <summary>
    /// Leads the workers through the run, reports its measurements, and checks the demands. May be left early by an exception.
    /// </summary>
    public abstract Task PlayAsync(Stage stage);

    /// <summary>The fault of the options; null if they have none.</summary>
    public virtual string? Problem(ParseResult parsed, WorkerPlan plan) => plan.Connections < 1 ? "There must be a connection." : null;
}
