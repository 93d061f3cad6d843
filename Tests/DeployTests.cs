using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Profiles.Infrastructure.Health;
using Profiles.Infrastructure.Settings;

namespace Profiles.Tests;

/// <summary>The files that deploy the service agree with it, without a cluster and without a service manager.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed partial class DeployTests
{
    const string Unit = "deploy/systemd/profiles.service", Manifest = "deploy/kubernetes/profiles.yaml";

    // Hardened services of Debian are at 2 to 5 of 10.
    const double MostExposed = 2.0;

    static readonly string Documented = Read("docs/settings.md");

    [Fact]
    public void The_manifest_is_of_Kubernetes_types_and_its_parts_find_each_other()
    {
        var (deployment, service, budget, _) = Objects();
        var labels = deployment.Spec.Template.Metadata.Labels;
        deployment.Spec.Selector.MatchLabels.ShouldBe(labels);
        service.Spec.Selector.ShouldBe(labels);
        budget.Spec.Selector.MatchLabels.ShouldBe(labels);
        var container = Container(deployment);
        container.Ports.Select(p => p.Name).ShouldContain(service.Spec.Ports.Single().TargetPort.Value);
        container.VolumeMounts.Select(m => m.Name).ShouldBe(deployment.Spec.Template.Spec.Volumes.Select(v => v.Name));
        Environment(container).ShouldContain("PublicBaseUrl");
    }

    [Fact]
    public void The_pods_run_as_the_image_s_user_on_a_read_only_root_without_privileges()
    {
        var pod = Objects().Deployment.Spec.Template.Spec;
        var user = long.Parse(UserId().Match(Read("Dockerfile")).Groups[1].Value, CultureInfo.InvariantCulture);
        (pod.SecurityContext.RunAsNonRoot, pod.SecurityContext.RunAsUser, pod.SecurityContext.FsGroup).ShouldBe((true, user, user));
        pod.SecurityContext.SeccompProfile.Type.ShouldBe("RuntimeDefault");
        pod.AutomountServiceAccountToken.ShouldBe(false);
        var container = pod.Containers.Single().SecurityContext;
        (container.ReadOnlyRootFilesystem, container.AllowPrivilegeEscalation).ShouldBe((true, false));
        container.Capabilities.Drop.ShouldBe(["ALL"]);
        // Every directory that the image writes to is a volume.
        Volumes().Matches(Read("Dockerfile")).Select(m => m.Groups[1].Value).Append("/tmp")
            .ShouldBe(pod.Containers.Single().VolumeMounts.Select(m => m.MountPath));
    }

    [Fact]
    public void The_probes_ask_the_service_s_own_paths()
    {
        var container = Container(Objects().Deployment);
        V1Probe[] probes = [container.StartupProbe, container.LivenessProbe, container.ReadinessProbe];
        probes.Select(p => p.HttpGet.Path).ShouldAllBe(p => HealthSetup.Paths.Contains(p));
        container.ReadinessProbe.HttpGet.Path.ShouldBe("/health/ready");
        // A database that is away must not restart the pods.
        container.LivenessProbe.HttpGet.Path.ShouldBe("/health/live");
    }

    [Fact]
    public void Every_variable_is_a_setting()
    {
        string[] names =
            [.. Environment(Container(Objects().Deployment)), .. Variable().Matches(Read(Unit)).Select(m => m.Groups[1].Value)];
        names.Length.ShouldBeGreaterThan(6);
        foreach (var name in names.Where(n => !n.StartsWith("DOTNET_", StringComparison.Ordinal)))
            Documented.ShouldContain($"`{name}`");
    }

    [Fact]
    public void Both_wait_longer_than_the_service_takes_to_stop()
    {
        var pod = Objects().Deployment.Spec.Template.Spec;
        var stop = new ServiceOptions().ShutdownTimeout.TotalSeconds;
        (pod.TerminationGracePeriodSeconds - Container(Objects().Deployment).Lifecycle.PreStop.Sleep.Seconds).ShouldNotBeNull()
            .ShouldBeGreaterThan((long)stop);
        int.Parse(StopTimeout().Match(Read(Unit)).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeGreaterThan((int)stop);
    }

    [Fact]
    public void Everybody_reaches_the_pods_and_only_the_scraper_their_metrics()
    {
        var (deployment, _, _, policy) = Objects();
        policy.Spec.PodSelector.MatchLabels.ShouldBe(deployment.Spec.Template.Metadata.Labels);
        policy.Spec.PolicyTypes.ShouldBe(["Ingress"]);
        policy.Spec.Ingress.SelectMany(i => i.Ports).Select(p => p.Port.Value)
            .ShouldBe(Container(deployment).Ports.Select(p => p.Name), ignoreOrder: true);
        foreach (var rule in policy.Spec.Ingress)
        {
            if (rule.Ports.Single().Port.Value == "metrics")
                rule.FromProperty.ShouldNotBeNull().Single().NamespaceSelector.MatchLabels.ShouldNotBeEmpty();
            else
                rule.FromProperty.ShouldBeNull();
        }
    }

    [Fact]
    public void The_unit_allows_the_calls_that_fence_a_worker()
    {
        var calls = Fence().Matches(Read("Infrastructure/Decoding/Worker/Sandbox.cs")).Select(m => m.Value).Distinct().ToArray();
        calls.Length.ShouldBe(3);
        Filter().Match(Read(Unit)).Groups[1].Value.Split(' ').ShouldBe(["@system-service", "seccomp", .. calls], ignoreOrder: true);
    }

    [Fact, Trait("Needs", "Process")]
    public async Task The_unit_is_valid_and_hardened()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "There is no systemd-analyze here.");
        // It looks for the program that the unit starts.
        var unit = Path.Combine(TemporaryDirectory.Make("unit"), "profiles.service");
        await File.WriteAllTextAsync(unit, Read(Unit).Replace("/usr/bin/dotnet", System.Environment.ProcessPath),
            TestContext.Current.CancellationToken);
        var (exitCode, output) = await RunAsync("verify", unit);
        (exitCode, output).ShouldBe((0, ""));
        (exitCode, output) = await RunAsync("security", "--offline=true", unit);
        exitCode.ShouldBe(0, output);
        double.Parse(Exposure().Match(output).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeLessThanOrEqualTo(MostExposed, output);
    }

    static (V1Deployment Deployment, V1Service Service, V1PodDisruptionBudget Budget, V1NetworkPolicy Policy) Objects()
    {
        // Strict: an unknown member fails.
        var objects = KubernetesYaml.LoadAllFromString(Read(Manifest), null, strict: true);
        objects.Count.ShouldBe(4);
        return (objects.OfType<V1Deployment>().Single(), objects.OfType<V1Service>().Single(),
            objects.OfType<V1PodDisruptionBudget>().Single(), objects.OfType<V1NetworkPolicy>().Single());
    }

    static V1Container Container(V1Deployment deployment) => deployment.Spec.Template.Spec.Containers.Single();

    static string[] Environment(V1Container container) => [.. container.Env.Select(e => e.Name)];

    static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/systemd-analyze", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + errors);
    }

    static string Read(string file) => File.ReadAllText(Path.Combine(ArchitectureTests.Repository(), file));

    [GeneratedRegex(@"--uid (\d+)")]
    private static partial Regex UserId();

    [GeneratedRegex("(?<=VOLUME .*)\"(/\\w+)\"")]
    private static partial Regex Volumes();

    [GeneratedRegex(@"^Environment=(\w+)=", RegexOptions.Multiline)]
    private static partial Regex Variable();

    [GeneratedRegex(@"landlock_\w+")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^SystemCallFilter=(.*)$", RegexOptions.Multiline)]
    private static partial Regex Filter();

    [GeneratedRegex(@"^TimeoutStopSec=(\d+)$", RegexOptions.Multiline)]
    private static partial Regex StopTimeout();

    [GeneratedRegex(@"Overall exposure level for \S+: ([\d.]+)")]
    private static partial Regex Exposure();
}
