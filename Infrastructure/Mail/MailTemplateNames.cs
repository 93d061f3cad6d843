using Fluid.Ast;

namespace Profiles.Infrastructure.Mail;

/// <summary>Collects the names that a template uses, so that a mistyped one is found before a mail needs it.</summary>
// No AstVisitor, and no constructor with a type of the library: EF Core and FastEndpoints look at the base class and the constructors of
// every type at the start, and would load the library.
sealed class MailTemplateNames
{
    // They belong to the language.
    readonly HashSet<string> defined =
        new(["forloop", "parentloop", "nil", "null", "size", "first", "last"], StringComparer.OrdinalIgnoreCase);

    readonly List<string> used = [];

    /// <summary>The filters.</summary>
    public List<string> Filters { get; } = [];

    /// <summary>What a template may not have, such as a range, which may be without end; null when there is nothing of it.</summary>
    public string? Refused { get; private set; }

    /// <summary>The values that it uses, and neither knows nor assigns.</summary>
    public IEnumerable<string> Unknown(IEnumerable<string> known) =>
        used.Where(n => !defined.Contains(n)).Except(known, StringComparer.OrdinalIgnoreCase);

    public void Visit(IEnumerable<Statement> statements)
    {
        foreach (var statement in statements)
            Visit(statement);
    }

    void Visit(Statement? statement)
    {
        switch (statement)
        {
            case null or TextSpanStatement or CommentStatement or RawStatement or NoOpStatement or BreakStatement or ContinueStatement:
                return;
            case OutputStatement output:
                Visit(output.Expression);
                return;
            case AssignStatement assign:
                defined.Add(assign.Identifier);
                Visit(assign.Value);
                return;
            case CaptureStatement capture:
                defined.Add(capture.Identifier);
                break;
            case IfStatement branch:
                Visit(branch.Condition);
                Visit(branch.ElseIfs);
                Visit(branch.Else);
                break;
            case UnlessStatement branch:
                Visit(branch.Condition);
                Visit(branch.Else);
                break;
            case ElseIfStatement branch:
                Visit(branch.Condition);
                break;
            case CaseStatement choice:
                Visit(choice.Expression);
                Visit(choice.Whens);
                Visit(choice.Else);
                return;
            case WhenStatement branch:
                Visit(branch.Options);
                break;
            case ForStatement loop:
                defined.Add(loop.Identifier);
                Visit(loop.Source);
                Visit(loop.Limit);
                Visit(loop.Offset);
                Visit(loop.Else);
                break;
            case not ElseStatement:
                Refused ??= statement.GetType().Name.Replace("Statement", "", StringComparison.Ordinal).ToLowerInvariant();
                return;
        }
        Visit(((TagStatement)statement).Statements);
    }

    void Visit(IEnumerable<Expression> expressions)
    {
        foreach (var expression in expressions)
            Visit(expression);
    }

    void Visit(Expression? expression)
    {
        switch (expression)
        {
            case null or LiteralExpression:
                break;
            case MemberExpression member:
                var names = member.Segments.OfType<IdentifierSegment>().Select(s => s.Identifier).ToArray();
                // What a loop knows of itself is not listed here.
                used.AddRange(names is ["forloop" or "parentloop", ..] ? names[..1] : names);
                Visit(member.Segments.OfType<IndexerSegment>().Select(s => s.Expression));
                break;
            case FilterExpression filter:
                Filters.Add(filter.Name);
                Visit(filter.Input);
                Visit(filter.Parameters.Select(p => p.Expression));
                break;
            case BinaryExpression two:
                Visit(two.Left);
                Visit(two.Right);
                break;
            case RangeExpression:
                Refused ??= "..";
                break;
            default:
                Refused ??= expression.GetType().Name;
                break;
        }
    }
}
