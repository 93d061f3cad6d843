using Fluid.Ast;

namespace Profiles.Infrastructure.Mail;

/// <summary>Collects the names that a template uses, so that a mistyped one is found before a mail needs it.</summary>
sealed class MailTemplateNames : AstVisitor
{
    // They belong to the language.
    readonly HashSet<string> defined = ["forloop", "parentloop", "nil", "null", "size", "first", "last"];
    readonly List<string> used = [];

    /// <summary>The filters.</summary>
    public List<string> Filters { get; } = [];

    /// <summary>Whether it counts, such as (1..5): that may be without end.</summary>
    public bool HasRange { get; private set; }

    /// <summary>The values that it uses, and neither knows nor assigns.</summary>
    public IEnumerable<string> Unknown(IEnumerable<string> known) => used.Except(defined, StringComparer.OrdinalIgnoreCase)
        .Except(known, StringComparer.OrdinalIgnoreCase);

    protected override Expression VisitMemberExpression(MemberExpression memberExpression)
    {
        var names = memberExpression.Segments.OfType<IdentifierSegment>().Select(s => s.Identifier).ToArray();
        // What a loop knows of itself is not listed here.
        used.AddRange(names is ["forloop" or "parentloop", ..] ? names[..1] : names);
        return base.VisitMemberExpression(memberExpression);
    }

    protected override Expression VisitFilterExpression(FilterExpression filterExpression)
    {
        Filters.Add(filterExpression.Name);
        return base.VisitFilterExpression(filterExpression);
    }

    protected override Expression VisitRangeExpression(RangeExpression rangeExpression)
    {
        HasRange = true;
        return base.VisitRangeExpression(rangeExpression);
    }

    protected override Statement VisitAssignStatement(AssignStatement assignStatement)
    {
        defined.Add(assignStatement.Identifier);
        return base.VisitAssignStatement(assignStatement);
    }

    protected override Statement VisitCaptureStatement(CaptureStatement captureStatement)
    {
        defined.Add(captureStatement.Identifier);
        return base.VisitCaptureStatement(captureStatement);
    }

    protected override Statement VisitForStatement(ForStatement forStatement)
    {
        defined.Add(forStatement.Identifier);
        return base.VisitForStatement(forStatement);
    }
}
